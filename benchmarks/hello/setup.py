"""The least that a command line made with click can do: what `repro --help` is measured against."""

from setuptools import setup

setup(
    name="repro-bench-hello",
    version="1",
    packages=["bench_hello"],
    install_requires=["click"],
    entry_points={"console_scripts": ["bench-hello = bench_hello.cli:main"]},
)
