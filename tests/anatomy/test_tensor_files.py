"""npy, npz, safetensors, ONNX, torch's zip files: which tensor first, where, by how much."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pairs
import pytest

from repro.anatomy import Change, elements, tensors

ONES = np.ones((4, 5), "f4")


def changed(array: Any, place: Any, value: Any) -> Any:
    copy = array.copy(order="K")
    copy[place] = value
    return copy


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(packed: bool = False, **arrays: Any) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(file, **arrays)
    return file.getvalue()


def safetensors(tensors: dict[str, tuple[str, list[int], bytes]], **metadata: str) -> bytes:
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    data = b""
    for name, (kind, shape, content) in tensors.items():
        offsets = [len(data), len(data) + len(content)]
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": offsets}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.fixture(params=["numpy", "none"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "none":
        monkeypatch.setattr(elements, "library", lambda: None)
    return str(request.param)


def test_one_element_of_one_array(tmp_path, library):
    found = pairs.compared(tmp_path, "w.npy", npy(ONES), npy(changed(ONES, (2, 3), 1.5)))
    (part,) = found.parts
    assert (part.where, part.a, part.b, part.change) == ("[2, 3]", "1.0", "1.5", Change.VALUE)
    assert (found.compared, found.differing) == (20, 1)
    assert (found.absolute, found.relative, found.ulp) == (0.5, 0.5 / 1.5, 1 << 22)
    assert found.complete and not found.reason


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_place_in_either_order(tmp_path, order):
    a = np.zeros((3, 4, 5), "f8", order=order)
    b = changed(a, (2, 1, 3), 1)
    assert pairs.compared(tmp_path, "x.npy", npy(a), npy(b)).parts[0].where == "[2, 1, 3]"


def test_rows_here_and_columns_there(tmp_path):
    found = pairs.compared(tmp_path, "x.npy", npy(ONES), npy(np.asfortranarray(ONES)))
    assert found.parts[0].change is Change.LAYOUT
    assert "columns" in str(found.parts[0].b)


def test_shape_and_type(tmp_path, library):
    shape = pairs.compared(tmp_path, "x.npy", npy(ONES), npy(ONES[1:])).parts[0]
    assert (shape.change, shape.a, shape.b) == (Change.SHAPE, "float32[4, 5]", "float32[3, 5]")
    found = pairs.compared(tmp_path, "x.npy", npy(ONES), npy(ONES.astype("f8") * 2))
    assert (found.parts[0].change, found.parts[0].b) == (Change.TYPE, "float64[4, 5]")
    assert (found.differing, found.absolute, found.ulp) == (20, 1.0, None)


def test_text_dates_and_structures(tmp_path, library):
    a = np.array([(1, 2.0, "a", b"x"), (3, 4.0, "b", b"y")], "i4, >f8, U3, S2")
    b = a.copy()
    b["f1"][1], b["f2"][0] = 5, "zz"
    found = pairs.compared(tmp_path, "s.npy", npy(a), npy(b))
    assert [(part.where, part.a, part.b) for part in found.parts] == [
        ("f1[1]", "4.0", "5.0"),
        ("f2[0]", '"a"', '"zz"'),
    ]
    dates = np.array(["2024-01-01", "NaT"], "M8[D]")
    assert pairs.compared(tmp_path, "d.npy", npy(dates), npy(dates[::-1])).differing == 2


def test_members_of_an_npz(tmp_path, library):
    a = npz(w=ONES, b=ONES, gone=ONES)
    b = npz(True, b=ONES, w=changed(ONES, (0, 0), np.nan), added=ONES[0])
    found = pairs.compared(tmp_path, "x.npz", a, b)
    assert [(part.path, part.change.value) for part in found.parts] == [
        ("w", "value"),
        ("gone", "missing"),
        ("added", "new"),
    ]
    assert found.reordered and (found.missing, found.new, found.absolute) == (1, 1, None)
    lines = pairs.lines(found)
    assert lines[0] == "npz: first at w[0, 0]: 1.0 -> nan"
    assert "only in the record: gone" in lines and "only in the replay: added" in lines


def test_the_same_values_written_differently(tmp_path):
    found = pairs.compared(tmp_path, "x.npz", npz(w=ONES), npz(True, w=ONES))
    assert not found.parts and not found.reason
    assert pairs.lines(found) == ["npz: the same values, written differently"]


def test_objects_in_an_npz_are_bytes(tmp_path):
    a, b = (npz(o=np.array([1, value], object), w=ONES) for value in (None, 2))
    found = pairs.compared(tmp_path, "x.npz", a, b)
    assert found.parts[0].path == "o"
    assert found.notes == ("o holds pickled objects: compared as bytes",)


def test_safetensors(tmp_path, library):
    words = struct.pack("<3H", 0x3F80, 0x4000, 0x7FC0), struct.pack("<3H", 0x3F80, 0x4001, 0x7FC1)
    a, b = (
        safetensors({"w": ("BF16", [3], content), "s": ("F32", [], b"\0\0\0\0")}, epoch=epoch)
        for content, epoch in zip(words, "12")
    )
    found = pairs.compared(tmp_path, "model.safetensors", a, b)
    assert [(part.where, part.a, part.b, part.ulp) for part in found.parts] == [
        ("__metadata__.epoch", '"1"', '"2"', None),
        ("w[1]", "2.0", "2.015625", 1),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 2) + b"{x",
        safetensors({"w": ("F32", [10**9, 10**9], b"1234")}),
        safetensors({"w": ("F32", [2**62] * 100, b"1234")}),
        safetensors({"w": ("F32", [-1], b"1234")}),
        safetensors({"w": ("F32", [True], b"1234")}),
        safetensors({"w": ("F32", [1], b"1234")})[:-1],
        safetensors({"w": ("F32", [1], b"1234")}) + b"more",
    ],
)
def test_safetensors_that_are_none(tmp_path, content):
    good = safetensors({"w": ("F32", [1], b"1234")})
    found = pairs.compared(tmp_path, "m.safetensors", good, content)
    assert found.format == "bytes" and "could not be opened as safetensors" in found.reason
    assert any(line.startswith("not opened: ") for line in pairs.lines(found))


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': 3}",
        "{'descr': [('a', '<V99999999999')], 'fortran_order': False, 'shape': (1,)}",
        "__import__('os').system('touch /tmp/never')",
        "(" * 5000,
        "",
    ],
)
def test_headers_that_lie(tmp_path, header):
    text = header.encode()
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + b"12345678"
    found = pairs.compared(tmp_path, "x.npy", npy(ONES), content)
    assert found.reason and found.parts


def test_numbers_without_numpy_are_bounded_and_say_so(tmp_path, monkeypatch):
    monkeypatch.setattr(elements, "library", lambda: None)
    monkeypatch.setattr(tensors, "UNAIDED", 10)
    found = pairs.compared(tmp_path, "x.npz", npz(w=ONES * 0, v=ONES), npz(w=ONES, v=ONES))
    assert not found.complete and not found.parts
    assert pairs.lines(found)[0] == "npz: no value differs in what was compared"
    assert "numpy is not at hand" in found.notes[0]


# --- torch ----------------------------------------------------------------------------------


def torch_zip(weights: list[float], pickle: bytes | None = None) -> bytes:
    """What torch.save writes of ``{"layer.weight": a tensor of two rows}``, made by hand."""
    storage = (
        b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
        b"K" + bytes([len(weights)]) + b"tQ"
    )
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00"
        b"K\x02K"
        + bytes([len(weights) // 2])
        + b"\x86K"
        + bytes([len(weights) // 2])
        + b"K\x01\x86"
        b"\x89ccollections\nOrderedDict\n)RtR"
    )
    root = b"\x80\x02ccollections\nOrderedDict\n)R(X\x0c\x00\x00\x00layer.weight" + tensor + b"u."
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/data.pkl", root if pickle is None else pickle)
        archive.writestr("model/byteorder", "little")
        archive.writestr("model/data/0", struct.pack(f"<{len(weights)}f", *weights))
    return file.getvalue()


@pytest.mark.parametrize("name", ["model.pt", "model.bin", "last.ckpt", "model.pkl"])
def test_a_torch_checkpoint(tmp_path, name):
    a, b = torch_zip([1, 2, 3, 4]), torch_zip([1, 2, 3, 5])
    found = pairs.compared(tmp_path, name, a, b)
    assert found.format == "torch checkpoint" and not found.inside
    assert pairs.lines(found)[0] == "torch checkpoint: first at layer.weight[1, 1]: 4.0 -> 5.0"


def test_a_checkpoint_runs_nothing(tmp_path):
    mark = tmp_path / "ran"
    evil = f"cos\nsystem\n(S'touch {mark}'\ntR.".encode()
    found = pairs.compared(tmp_path, "m.pt", torch_zip([1, 2]), torch_zip([1, 2], evil))
    assert not mark.exists()
    assert [part.change.value for part in found.parts] == ["missing", "new", "new"]


def test_a_tensor_beyond_its_storage(tmp_path):
    short = torch_zip([1, 2, 3, 4]).replace(b"K\x04tQ", b"K\x03tQ")
    with zipfile.ZipFile(io.BytesIO(torch_zip([1, 2, 3, 4]))) as archive:
        pickle = archive.read("model/data.pkl").replace(b"K\x04tQ", b"K\x03tQ")
    found = pairs.compared(tmp_path, "m.pt", torch_zip([1, 2]), torch_zip([1, 2, 3, 4], pickle))
    assert short and "larger than its storage" in found.reason


# --- ONNX -----------------------------------------------------------------------------------


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found, value = found + bytes([value & 127 | 128]), value >> 7
    return found + bytes([value])


def onnx(weights: list[float], count: int = 5) -> bytes:
    raw = (
        field(1, 2)
        + field(1, 2)
        + field(2, 1)
        + field(8, b"W")
        + field(9, struct.pack("<4f", *weights))
    )
    listed = (
        field(1, 2) + field(2, 7) + field(7, varint(1) + varint(2**64 - count)) + field(8, b"N")
    )
    node = field(1, b"x") + field(1, b"W") + field(2, b"y") + field(4, b"Gemm")
    graph = field(1, node) + field(2, b"g") + field(5, raw) + field(5, listed)
    return field(1, 8) + field(2, b"test") + field(7, graph)


def test_an_onnx_model(tmp_path):
    found = pairs.compared(tmp_path, "m.onnx", onnx([1, 2, 3, 4]), onnx([1, 2, 3, 5], 6))
    assert [(part.where, part.a, part.b) for part in found.parts] == [
        ("W[1, 1]", "4.0", "5.0"),
        ("N[1]", "-5", "-6"),
    ]


@pytest.mark.parametrize("content", [b"", b"\xff" * 50, onnx([1, 2, 3, 4])[:-3], b"{}"])
def test_onnx_that_is_none(tmp_path, content):
    found = pairs.compared(tmp_path, "m.onnx", onnx([1, 2, 3, 4]), content)
    assert "could not be opened as ONNX" in found.reason


def test_the_fewest_digits_of_a_value():
    assert tensors.shown(struct.unpack("f", struct.pack("f", 0.1))[0], "float32") == "0.1"
    assert tensors.shown(0.1, "float64") == "0.1"
    assert tensors.shown(Path("x").name) == '"x"'
