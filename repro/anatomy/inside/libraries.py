"""Formats that are read with the environment's own libraries: HDF5, Keras, Parquet, images."""

from __future__ import annotations

import io
import zipfile
from typing import Any, Iterator

from repro.anatomy.inside.values import Array, Refused, Word

HELD = 2 << 30
"""Bytes of an inner file that is held in memory."""


def _library(name: str, what: Any) -> Any:
    try:
        return __import__(name)
    except Exception as error:
        said = f"the environment has no {name}, which reads {what} ({type(error).__name__})"
        raise Refused(said) from None


def hdf5(source: Any) -> Iterator[Any]:
    """Groups, attributes and datasets by path; ``source`` is a path or a file."""
    _library("h5py", "HDF5")
    import h5py as library

    with library.File(source, "r") as file:
        names: Any = []
        file.visit(names.append)
        for name in ["", *names]:
            item = file[name] if name else file
            for key in sorted(item.attrs):
                yield from _value(f"{name}@{key}", _attribute(item, key))
            if not isinstance(item, library.Dataset):
                yield name, Word("a group")
            else:
                yield from _value(name, item[()])


def _attribute(item: Any, key: Any) -> Any:
    try:
        return item.attrs[key]
    except Exception:
        return Word("an attribute that is not read")


def _value(path: str, value: Any) -> Iterator[Any]:
    """What h5py, pyarrow and numpy give for a value."""
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        yield from _numbers(path, value)
    elif isinstance(value, bytes):
        yield path, value.decode("utf-8", "replace")
    elif value is None or isinstance(value, (bool, int, float, str)):
        yield path, value
    else:
        yield path, Word(type(value).__name__)


def _numbers(path: str, value: Any) -> Iterator[Any]:
    from repro.anatomy.inside import arrays

    dtype = value.dtype
    if dtype.hasobject:
        for at, item in enumerate(value.ravel().tolist() if value.shape else [value.item()]):
            yield from _value(f"{path}[{at}]" if value.shape else path, item)
        return
    if dtype.names:
        for name in dtype.names:
            yield from _numbers(f"{path}.{name}", value[name])
        return
    known = arrays.simple(dtype.str[1:])
    data = value.tobytes()
    yield (
        path,
        Array(
            [("", known[0], known[1], 0, dtype.str[0] == ">")], dtype.itemsize, value.shape, data
        ),
    )


def keras(path: str) -> Iterator[Any]:
    """Keras 3: a zip of two documents and the weights as HDF5."""
    with zipfile.ZipFile(path) as archive:
        for item in archive.infolist():
            if item.file_size > HELD:
                raise Refused(f"a member of more than {HELD >> 30} GiB")
            if item.filename.endswith(".h5"):
                for place, leaf in hdf5(io.BytesIO(archive.read(item))):
                    yield f"{item.filename}: {place}", leaf
            elif item.filename.endswith(".json"):
                yield item.filename, archive.read(item).decode("utf-8", "replace")


def parquet(path: str) -> Iterator[Any]:
    """Columns by name, row group by row group; what is neither number nor text as its text."""
    _library("pyarrow", "Parquet")
    import pyarrow.parquet as library

    file = library.ParquetFile(path)
    yield "schema", str(file.schema_arrow.remove_metadata())
    yield "rows", file.metadata.num_rows
    for at, name in enumerate(file.schema_arrow.names):
        column = file.read([name]).column(0).combine_chunks()
        yield from _column(f'column "{name}"', column, at)


def _column(path: str, column: Any, at: Any) -> Iterator[Any]:
    import pyarrow

    if isinstance(column, pyarrow.ChunkedArray):
        column = pyarrow.concat_arrays(column.chunks) if column.num_chunks else column
    kind = column.type
    plain = pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind)
    if plain and not column.null_count:
        yield from _numbers(path, column.to_numpy(zero_copy_only=False))
        return
    for row, item in enumerate(column.to_pylist()):
        simple = item is None or isinstance(item, (bool, int, float, str))
        yield f"{path}[{row}]", item if simple else Word(str(item))


def image(path: str) -> Iterator[Any]:
    """Its size, its mode, and its pixels as rows, columns and channels."""
    _library("PIL", "images")
    from PIL import Image

    with Image.open(path) as picture:
        yield "format", Word(str(picture.format))
        yield "mode", Word(picture.mode)
        for key in sorted(map(str, picture.info)):
            yield "info." + key, _told(picture.info.get(key))
        if picture.mode == "P":
            yield "palette", _told(bytes(picture.getpalette() or ()))
        for at in range(min(getattr(picture, "n_frames", 1), 1000)):
            picture.seek(at) if at else None
            data = picture.tobytes()
            width, height = picture.size
            name = "pixels" if not at else f"frame {at}"
            yield name, _pixels(data, width, height)


def _told(value: Any) -> Any:
    """What an image says of itself beside its pixels."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return Array([("", "uint8", 1, 0, False)], 1, (len(value),), value)
    return Word(str(value))


def _pixels(data: Any, width: Any, height: Any) -> Any:
    channels = len(data) // (width * height) if width and height else 0
    if channels * width * height != len(data):
        return Array([("", "uint8", 1, 0, False)], 1, (len(data),), data)
    shape = (height, width) if channels == 1 else (height, width, channels)
    return Array([("", "uint8", 1, 0, False)], 1, shape, data)
