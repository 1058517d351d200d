"""How the engines run uv: its executable, its settings, its one download cache."""

from __future__ import annotations

import os
import platform
import threading
from pathlib import Path
from urllib.parse import urlsplit

from repro import process
from repro.environment.index import PackageSources

CA_INSIDE = "/repro/ca.pem"
"""Where a build container sees this host's certificates."""

_FINDING = threading.Lock()


def executable() -> Path:
    """uv, as its package on the index brings it."""
    import uv

    # it asks sysconfig, whose first caller fills a table that a second thread may see half full
    with _FINDING:
        return Path(os.fsdecode(uv.find_uv_bin()))


def linux_uv(architecture: str) -> Path:
    """A uv that runs in a Linux container: on Linux our own (it is static), elsewhere one fetched for
    the engine's architecture (``x86_64``, ``aarch64``)."""
    if platform.system() == "Linux":
        return executable()
    import uv

    machine = "aarch64" if architecture in ("aarch64", "arm64") else "x86_64"
    folder = user_cache() / f"uv-{uv.__name__}-linux-{machine}"
    found = folder / "bin" / "uv"
    if not found.exists():
        process.run(
            [executable(), "pip", "install", "--quiet", "--no-deps", "--target", folder,
             "--python-platform", f"{machine}-manylinux2014", "uv"],
            timeout=300,
        )  # fmt: skip
    return found


def user_cache() -> Path:
    """This user's cache folder for repro."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "repro"


def build_environment(sources: PackageSources) -> dict[str, str]:
    """The variables of a build inside a container. They exist for its commands only, not in the image."""
    env = {
        **sources.env,
        "HOME": "/tmp",
        "UV_CACHE_DIR": "/repro/cache",
        "UV_LINK_MODE": "copy",
        "UV_NO_PROGRESS": "1",
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_INSTALL_DIR": "/opt/repro/python",
    }
    if sources.ca_bundle:
        env |= {"SSL_CERT_FILE": CA_INSIDE, "REQUESTS_CA_BUNDLE": CA_INSIDE, "PIP_CERT": CA_INSIDE}
    return env


def told(command: tuple[str, ...], sources: PackageSources) -> tuple[str, ...]:
    """The step with what uv takes no variable for: --no-index."""
    if sources.env.get("UV_NO_INDEX") and command[1:3] == ("pip", "install"):
        return (*command[:3], "--no-index", *command[3:])
    return command


def run_environment(environment: str) -> dict[str, str]:
    """The variables that make a `uv run` take the environment as it is, and fetch nothing."""
    return {
        "UV_PROJECT_ENVIRONMENT": environment,
        "UV_NO_SYNC": "1",
        "UV_FROZEN": "1",
        "UV_OFFLINE": "1",
        "UV_PYTHON": f"{environment}/bin/python",
    }


def uses_loopback(sources: PackageSources, *urls: str) -> bool:
    """Whether an index, a proxy or a URL is on this host's loopback, which a bridge network cannot reach."""
    words = (word for value in (*sources.env.values(), *urls) for word in value.split())
    hosts = (urlsplit(word).hostname for word in words)
    return any(host in ("localhost", "127.0.0.1", "::1") for host in hosts)
