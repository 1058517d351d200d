"""Packaging of repro: the distribution is `repro-engine`, the import and the command are `repro`."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(
    r'^__version__ = "([^"]+)"', (HERE / "repro" / "__init__.py").read_text("utf-8"), re.MULTILINE
)
assert VERSION, "repro/__init__.py names no __version__"

setup(
    name="repro-engine",
    version=VERSION.group(1),
    description="Record a machine-learning training run, replay it in Docker, "
    "and say truthfully whether the same thing came out.",
    long_description=(HERE / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["repro", "repro.*"]),
    package_data={"repro": ["py.typed"]},
    python_requires=">=3.10",
    install_requires=[
        "backports.zstd>=1.0; python_version < '3.14'",
        "click>=8.2",
        "detect-secrets>=1.5,<2",
        "docker>=7.1",
        "dvc>=3.50",
        "fsspec",
        "gitpython>=3.1.43",
        "msgspec>=0.18",
        "oras>=0.2",
        "packaging>=23",
        "pyyaml>=6.0",
        "tomli>=2.0; python_version < '3.11'",
        "uv>=0.5",
    ],
    extras_require={
        "prometheus": ["prometheus-client>=0.20"],
        "dask": ["distributed>=2024.1"],
        "dev": [
            "distributed>=2024.1",
            "hypothesis>=6",
            "jsonschema>=4",
            "mypy>=1.10",
            "prometheus-client>=0.20",
            "pytest>=8",
            "pytest-timeout>=2",
            "pytest-xdist>=3",
            "ruff>=0.6",
            "scikit-learn>=1.3",
            "types-PyYAML",
        ],
    },
    entry_points={
        "console_scripts": ["repro = repro.__main__:main"],
        "pytest11": ["repro = repro.pytest_plugin"],
    },
)
