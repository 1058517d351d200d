"""Arrays of numpy and tensors of torch, told from the steps that would build them."""

from __future__ import annotations

from typing import Any

from repro.anatomy.inside.values import Array, Pairs, Refused, Region, Stored, Thing

_NAMES = {
    "f2": "float16", "f4": "float32", "f8": "float64", "c8": "complex64", "c16": "complex128",
    "b1": "bool", "M8": "int64", "m8": "int64",
    "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64",
    "u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64",
}  # fmt: skip

_TORCH = {
    "Double": "f8", "Float": "f4", "Half": "f2", "Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1",
    "Byte": "u1", "Bool": "b1", "BFloat16": "bfloat16", "ComplexFloat": "c8", "ComplexDouble": "c16",
    "Float8_e4m3fn": "float8_e4m3fn", "Float8_e5m2": "float8_e5m2", "Untyped": "u1",
}  # fmt: skip
_ENCODED = ("_codecs.encode", "builtins.bytearray", "__builtin__.bytearray")
DIMENSIONS = 64
_WIDTHS = {"bfloat16": 2, "float8_e4m3fn": 1, "float8_e5m2": 1}


def simple(code: Any) -> Any:
    """(name, bytes) of a type as numpy writes it without its order: ``f8``, ``U5``, ``V16``; None for
    objects, which are pickles of their own. Raises Refused."""
    if code[:1] == "O":
        return None
    if code in _NAMES:
        return _NAMES[code], int(code[1:])
    if code in _WIDTHS:
        return code, _WIDTHS[code]
    kind, number = code[:1], code[1:].split("[")[0]
    if code[:2] in ("M8", "m8"):
        return "int64", 8
    if kind in "USVfc" and kind and number.isdigit() and len(number) < 10:
        width = int(number) * (4 if kind == "U" else 1)
        return {"U": "text", "S": "text8"}.get(kind, kind + number), width
    raise Refused("an array of a type that is not known: " + code[:20])


def array_of(thing: Any) -> Any:
    """The Array that this would become; a list of its items for one of objects; None for anything else.
    Raises Refused where it says that it is one and is not."""
    name = thing.name
    try:
        if name.endswith("multiarray._reconstruct") and name.startswith("numpy."):
            return _reconstructed(thing.state)
        if name.endswith("numeric._frombuffer") and name.startswith("numpy."):
            data, dtype, shape, order = thing.args[:4]
            return _array(dtype, shape, _bytes(data), order == "F")
        if name.endswith("multiarray.scalar") and name.startswith("numpy."):
            return _array(thing.args[0], (), _bytes(thing.args[1]))
        if name in ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor"):
            return _tensor(*thing.args[:4])
        if name.endswith("NumpyArrayWrapper") and isinstance(thing.state, Array):
            return thing.state
    except (TypeError, ValueError, IndexError, AttributeError, KeyError) as error:
        raise Refused(f"an array that is not one: {error}") from None
    return None


def _reconstructed(state: Any) -> Any:
    _, shape, dtype, fortran, data = state
    if isinstance(data, list):
        return data
    return _array(dtype, shape, _bytes(data), bool(fortran))


def _array(dtype: Any, shape: Any, data: Any, fortran: Any = False) -> Any:
    found = fields(dtype)
    if found is None:
        raise ValueError("objects stored as numbers")
    return checked(Array(found[0], found[1], shape, data, fortran))


def checked(array: Any) -> Any:
    """The array, once its shape and its data fit together."""
    count = 1
    if len(array.shape) > DIMENSIONS:
        raise ValueError("more dimensions than there are")
    for length in array.shape:
        if isinstance(length, bool) or not isinstance(length, int) or length < 0:
            raise ValueError("a length that is none")
        count *= length
    if count * array.item != array.size:
        raise ValueError("its shape and its size do not fit together")
    return array


def _bytes(data: Any) -> Any:
    if type(data) is Thing and data.name in _ENCODED:
        return text_bytes(data)
    if isinstance(data, str):
        return data.encode("latin1")  # written by Python 2
    if not isinstance(data, (bytes, bytearray)):
        raise ValueError("its data are no bytes")
    return bytes(data)


def text_bytes(thing: Any) -> Any:
    """Bytes that an old protocol writes as text."""
    content = thing.args[0] if thing.args else b""
    if isinstance(content, Thing) and content.name == "_codecs.encode" and content.args:
        content = content.args[0]
    if isinstance(content, str):
        return content.encode("latin1")
    if not isinstance(content, (bytes, bytearray)):
        raise ValueError("its data are no bytes")
    return bytes(content)


def fields(dtype: Any) -> Any:
    """(fields as Array has them, bytes of an item) of a ``numpy.dtype`` as it is pickled; None for one
    of objects."""
    if not isinstance(dtype, Thing) or dtype.name != "numpy.dtype":
        raise ValueError("its type is none of numpy's")
    state = dtype.state or (3, "|", None, None, None, -1, -1, 0)
    order, nested, names, inner = state[1], state[2], state[3], state[4]
    if names:
        return _structured(names, inner, state[5])
    if nested:
        width = state[5]
        return [("", f"V{width}", width, 0, False)], width
    code = str(dtype.args[0])
    if code[:1] in "US" or code[:1] == "V":
        code = (
            code
            if code[1:].isdigit() and int(code[1:])
            else code[:1] + str(state[5] // (4 if code[:1] == "U" else 1))
        )
    known = simple(code)
    if known is None:
        return None
    return [("", known[0], known[1], 0, order == ">")], known[1]


def _structured(names: Any, inner: Any, item: Any) -> Any:
    found = []
    for name in names:
        dtype, offset = inner.get(name)[:2]
        within = fields(dtype)
        if within is None:
            return None
        for suffix, kind, width, start, big in within[0]:
            found.append(("." + name + suffix, kind, width, offset + start, big))
    if any(start < 0 or start + width > item for _, _, width, start, _ in found):
        raise ValueError("a field beyond its item")
    return found, item


# --- torch ----------------------------------------------------------------------------------


def storage(stored: Any) -> Any:
    """All numbers of a storage, one after another; None where it is none of torch's. The id is
    (``storage``, type, key, location, number of elements)."""
    if not (isinstance(stored.id, tuple) and len(stored.id) >= 5 and stored.id[0] == "storage"):
        return None
    kind = getattr(stored.id[1], "name", "").rpartition(".")[2].replace("Storage", "")
    if kind not in _TORCH or not isinstance(stored.id[4], int) or stored.id[4] < 0:
        return None
    name, width = simple(_TORCH[kind])
    region = Region(0, stored.id[4] * width, str(stored.id[2]))
    return Array([("", name, width, 0, False)], width, (stored.id[4],), region)


def _tensor(stored: Any, offset: Any, size: Any, stride: Any) -> Any:
    whole = storage(stored) if isinstance(stored, Stored) else None
    if whole is None:
        raise ValueError("its storage is none")
    name, width = whole.fields[0][1], whole.item
    size, stride = tuple(size), tuple(stride)
    fortran = _by_columns(size, stride)
    if fortran is None:
        # with gaps, or in an order of its own: what it is a view of is compared, and what view it is
        seen = f"(view {list(size)} by {list(stride)} from {offset})"
        whole.fields = [(seen, name, width, 0, False)]
        return whole
    count = 1
    for length in size:
        count *= length
    if offset < 0 or count < 0 or (offset + count) * width > whole.data.size:
        raise ValueError("it is larger than its storage")
    region = Region(offset * width, count * width, whole.data.member)
    return checked(Array([("", name, width, 0, False)], width, size, region, fortran))


def _by_columns(size: Any, stride: Any) -> Any:
    """False where it is stored by rows, True by columns, None for a view of another kind."""
    for order, fortran in ((range(len(size) - 1, -1, -1), False), (range(len(size)), True)):
        step, fits = 1, True
        for at in order:
            fits = fits and (size[at] <= 1 or stride[at] == step)
            step *= size[at]
        if fits or 0 in size:
            return fortran
    return None


def mapping(thing: Any) -> Any:
    """The pairs of what would become a dictionary; None for anything else."""
    if isinstance(thing, Pairs):
        return thing.items
    if thing.name in ("collections.OrderedDict", "collections.defaultdict") and not thing.state:
        return thing.pairs.items
    return None
