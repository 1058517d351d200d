"""Whatever the bytes, two files are compared: never an exception, never out of bounds."""

from __future__ import annotations

import gzip
import random
import resource
import sys

import pairs
import pytest
from test_tensor_files import ONES, npy, npz, onnx, safetensors, torch_zip
from test_text_files import tarred, zipped

SEEDS = {
    "x.npy": npy(ONES),
    "x.npz": npz(True, a=ONES, b=ONES[0]),
    "x.safetensors": safetensors({"w": ("F32", [2], b"12345678"), "b": ("I8", [1], b"1")}, k="v"),
    "x.onnx": onnx([1, 2, 3, 4]),
    "x.pt": torch_zip([1, 2, 3, 4]),
    "x.zip": zipped(a__json=b'{"a": 1}', b__npy=npy(ONES)),
    "x.tar.gz": tarred("w:gz", 1, a__json=b'{"a": 1}', b=b"1"),
    "x.json": b'{"a": [1, 2, {"b": null}], "c": "t", "d": 1e5}',
    "x.jsonl": b'{"a": 1}\n{"b": [1]}\n',
    "x.yaml": b"a: &x [1, 2]\nb: *x\nc: {d: e}\n",
    "x.toml": b'a = 1\n[b]\nc = "x"\nd = [1, 2]\n',
    "x.csv": b'a,b,c\n1,2,3\n4,"x,y",6\n',
    "x.json.gz": gzip.compress(b'{"a": 1}'),
}
PIECES = (b"\xff" * 8, b"[", b"{", b"\n", b"9" * 20, b"\0" * 4, b"&a [*a]", b"\xff" * 7 + b"\x7f")
OURS = ("TypeError", "AttributeError", "AssertionError", "NameError", "UnboundLocalError")


def damaged(content: bytes, chance: random.Random) -> bytes:
    found = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 30))):
        at, how = chance.randrange(len(found) + 1), chance.random()
        if how < 0.5:
            found[at : at + 1] = bytes([chance.choice((0, 255, 128, chance.randrange(256)))])
        elif how < 0.6:
            del found[at:]
        else:
            found[at : at + chance.choice((0, 8))] = chance.choice(PIECES)
    return bytes(found)


@pytest.mark.parametrize("name", SEEDS)
def test_damaged_files(tmp_path, name):
    chance = random.Random(name)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(150):
        found = pairs.compared(tmp_path, name, SEEDS[name], damaged(SEEDS[name], chance))
        assert pairs.lines(found)
        assert not found.reason.startswith(f"it could not be opened as {found.format}: TypeError")
        assert not any(f": {error}: " in found.reason for error in OURS), found.reason
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300 * (1 << 10 if sys.platform == "linux" else 1 << 20)
