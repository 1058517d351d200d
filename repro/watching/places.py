"""Folders by what they mean: the kernel's, the system's, what tools keep in a home."""

from __future__ import annotations

import re
from collections.abc import Iterable

PSEUDO = ("/proc", "/sys", "/dev", "/run", "/var/run")
SYSTEM = (
    *("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/etc", "/boot"),
    *("/nix/store", "/gnu/store", "/snap"),
    *("/var/cache", "/var/log", "/var/lib/dpkg", "/var/lib/apt", "/var/lib/sss", "/var/lib/dbus"),
    *("/var/lib/systemd", "/var/lib/nscd", "/opt/nvidia", "/opt/rocm", "/opt/intel"),
)
"""Part of the image, data sets of the system's (``/usr/share/dict``) among them. Other folders of ``/opt``,
``/srv``, ``/data``, ``/mnt``, ``/var/lib`` and ``/app`` hold data."""
SHARED_LIBRARY = re.compile(r"\.so(\.[0-9]+)*$|/ld\.so\.[^/]+$")
_FOLDERS = (
    r"\.cache/(pip|uv|matplotlib|fontconfig|mesa_shader_cache\w*|pypoetry|pre-commit|dconf|thumbnails|gstreamer-1\.0)",
    r"\.config/(matplotlib|pip|uv|git|fontconfig|dconf|gtk-[0-9.]+|htop|pypoetry|conda|ibus|pulse|mlflow)",
    r"\.local/share/(fonts|applications|mime|jupyter|uv|virtualenv|recently-used\.xbel|icons)",
    r"\.(aws|azure|ssh|gnupg|docker|kube|pip|fonts|ipython|jupyter|nv|dbus|pki|fontconfig|matplotlib)",
    r"\.(pyenv|rbenv|nvm|cargo|rustup|conda|vscode\w*|oh-my-zsh|config/gcloud|npm|icons|themes)",
)
_FILES = (
    r"\.(bash\w*|profile|zsh\w*|zprofile|inputrc|netrc|gitconfig|condarc|python_history|pypirc|pythonrc(\.py)?)",
    r"\.(Xauthority|ICEauthority|fonts\.conf|lesshst|viminfo|wget-hsts|curlrc|wgetrc|sudo_as_admin_successful)",
)
HOME_NOISE = re.compile(rf"/(?:(?:{'|'.join(_FOLDERS)})/|(?:{'|'.join(_FILES)})$)")
"""What tools and shells keep in a home: settings of the person, keys, caches of downloads; no data."""
SKIPPED_INSIDE = re.compile(
    r"/(?:\.git|\.hg|\.svn|\.repro|__pycache__|\.ipynb_checkpoints|\.pytest_cache|\.mypy_cache|"
    r"\.ruff_cache|node_modules)/|/\.dvc/(?:cache|tmp)/|/\.git$|/pyvenv\.cfg$"
)


def within(path: str, folders: Iterable[str]) -> bool:
    """Whether it is one of the folders, or lies below one."""
    return any(
        path == folder or path.startswith(folder + "/")
        for folder in folders
        if folder not in ("", "/")
    )
