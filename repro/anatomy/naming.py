"""Which format a file has, by its name, and by its first bytes where the name does not say."""

from __future__ import annotations

import zipfile
from pathlib import Path

JSON, LINES, YAML, TOML = "JSON", "JSON lines", "YAML", "TOML"
CSV, TSV = "CSV", "TSV"
NPY, NPZ, SAFETENSORS, ONNX, TORCH = "npy", "npz", "safetensors", "ONNX", "torch checkpoint"
ZIP, TAR, PACKED = "zip", "tar", "compressed"
PICKLE, OLD_TORCH, HDF5, KERAS, PARQUET, IMAGE = (
    "pickle", "torch", "hdf5", "keras", "parquet", "image",
)  # fmt: skip
INSIDE = (PICKLE, OLD_TORCH, HDF5, KERAS, PARQUET, IMAGE)
"""Read inside a container: those that can carry code, and those that need a library."""

_BY_SUFFIX = {
    ".json": JSON, ".ipynb": JSON, ".geojson": JSON, ".webmanifest": JSON,
    ".jsonl": LINES, ".ndjson": LINES,
    ".yaml": YAML, ".yml": YAML, ".toml": TOML, ".csv": CSV, ".tsv": TSV,
    ".npy": NPY, ".npz": NPZ, ".safetensors": SAFETENSORS, ".onnx": ONNX,
    ".pkl": PICKLE, ".pickle": PICKLE, ".pck": PICKLE, ".joblib": PICKLE, ".sav": PICKLE,
    ".pt": OLD_TORCH, ".pth": OLD_TORCH, ".ckpt": OLD_TORCH, ".th": OLD_TORCH,
    ".h5": HDF5, ".hdf5": HDF5, ".keras": KERAS,
    ".parquet": PARQUET, ".pq": PARQUET,
    ".png": IMAGE, ".jpg": IMAGE, ".jpeg": IMAGE, ".gif": IMAGE, ".bmp": IMAGE, ".tif": IMAGE,
    ".tiff": IMAGE, ".webp": IMAGE,
    ".zip": ZIP, ".jar": ZIP, ".whl": ZIP, ".mlmodel": ZIP, ".mar": ZIP, ".docx": ZIP, ".xlsx": ZIP,
    ".tar": TAR, ".tgz": TAR, ".tbz2": TAR, ".txz": TAR,
    ".tar.gz": TAR, ".tar.bz2": TAR, ".tar.xz": TAR,
    ".gz": PACKED, ".bz2": PACKED, ".xz": PACKED,
}  # fmt: skip

_BY_MAGIC = (
    (b"\x93NUMPY", NPY),
    (b"\x89HDF\r\n\x1a\n", HDF5),
    (b"PAR1", PARQUET),
    (b"\x89PNG\r\n\x1a\n", IMAGE),
    (b"\xff\xd8\xff", IMAGE),
    (b"\x80\x02", PICKLE),
    (b"\x80\x03", PICKLE),
    (b"\x80\x04", PICKLE),
    (b"\x80\x05", PICKLE),
)


def by_name(name: str) -> str | None:
    """The format that a name promises."""
    parts = name.lower().rpartition("/")[2].split(".")
    for number in (2, 1):
        if len(parts) > number and (found := _BY_SUFFIX.get("." + ".".join(parts[-number:]))):
            return found
    return None


def is_known(name: str) -> bool:
    """Whether a file of that name can be opened."""
    return by_name(name) is not None


def format_of(name: str, path: Path) -> str | None:
    """The format of a file; None: only its bytes can be compared. Raises OSError."""
    named = by_name(name)
    with path.open("rb") as file:
        begin = file.read(8)
    if begin.startswith(b"PK\x03\x04") and named in (None, OLD_TORCH, PICKLE):
        return _of_zip(path) or named
    if named in (None, NPY, OLD_TORCH):
        found = next((form for magic, form in _BY_MAGIC if begin.startswith(magic)), None)
        return named if named and found in (None, PICKLE) else found or named
    return named


def _of_zip(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()[:1000]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    if any(name == "data.pkl" or name.endswith("/data.pkl") for name in names):
        return TORCH
    return NPZ if names and all(name.endswith(".npy") for name in names) else ZIP
