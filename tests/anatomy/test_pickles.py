"""Pickles, joblib's files, objects in npy: read by the container's reader, here without a container."""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pairs
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from repro.anatomy import Unreadable
from repro.anatomy.inside import machine, walking
from repro.anatomy.inside.values import Array, Refused

DATA = np.random.RandomState(0).rand(60, 4)
TARGET = (DATA[:, 0] > 0.5).astype(int)


def leaves(content: bytes) -> dict[str, Any]:
    return dict(walking.leaves(machine.load(io.BytesIO(content), len(content))))


def inside(folder: Path, name: str, a: bytes, b: bytes) -> Any:
    return pairs.read_inside(folder, name, *pairs.written(folder, name, a, b))


def dumped(value: Any, protocol: int = pickle.HIGHEST_PROTOCOL) -> bytes:
    return pickle.dumps(value, protocol)


# --- estimators -----------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_the_first_attribute_of_an_estimator_that_differs(tmp_path, protocol):
    a, b = (LogisticRegression().fit(DATA, TARGET) for _ in range(2))
    b.coef_[0, 3] += 0.001
    found = inside(tmp_path, "model.pkl", dumped(a, protocol), dumped(b, protocol))
    (part,) = found.parts
    assert (part.where, part.a, part.b) == (
        "coef_[0, 3]",
        repr(float(a.coef_[0, 3])),
        repr(float(b.coef_[0, 3])),
    )
    assert found.inside and found.format == "pickle"


def test_a_tree_in_a_forest_in_a_pipeline(tmp_path):
    a, b = (
        make_pipeline(
            StandardScaler(), RandomForestClassifier(3, max_depth=2, random_state=seed)
        ).fit(DATA, TARGET)
        for seed in (1, 2)
    )
    found = inside(tmp_path, "model.pkl", dumped(a), dumped(b))
    assert found.parts[0].where == "steps[1][1].random_state"
    assert any("tree_.nodes.threshold" in part.path for part in found.parts)


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3)])
def test_joblib(tmp_path, compress):
    paths = []
    for side in "ab":
        values = DATA.copy()
        values[5, 1] += side == "b"
        paths.append(tmp_path / f"{side}.joblib")
        kept = {"x": values, "f": np.asfortranarray(values), "o": np.array([1, "a", None], object)}
        joblib.dump(kept, paths[-1], compress=compress)
    found = pairs.read_inside(tmp_path, "m.joblib", *paths)
    assert [part.where for part in found.parts] == ["x[5, 1]", "f[5, 1]"]
    assert (found.parts_compared, found.differing) == (5, 2)


def test_an_npy_of_objects(tmp_path):
    paths = [tmp_path / f"{value}.npy" for value in (1, 2)]
    for path, value in zip(paths, (1, 2)):
        np.save(path, np.array([None, {"a": value}], object), allow_pickle=True)
    assert pairs.read_inside(tmp_path, "x.npy", *paths).parts[0].where == "[1].a"


class Net:
    """A class that no other process can import."""

    def __init__(self, value: float) -> None:
        self.weights = [value * number for number in range(10)]
        self.inner = {"a": (1, value), 3: {"x", "y"}}
        self.me = self


def test_a_class_that_cannot_be_imported(tmp_path):
    found = inside(tmp_path, "net.pkl", dumped(Net(1.0)), dumped(Net(2.0)))
    assert [part.where for part in found.parts] == ["weights[1]", "inner.a[1]"]


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_holds_the_same(protocol):
    value = {
        "array": DATA, "scalar": np.float64(1.5), "bool": np.bool_(True), "dates": np.array(["2024"], "M8[D]"),
        "text": np.array(["ä", "b"]), "mixed": np.array([(1, 2.0)], "i4, f8"), "bytes": b"\0\xff",
        "array of bytes": bytearray(b"abc"), "whole": 2**70, "complex": 1 + 2j, "set": frozenset({"b", "a"}),
        "numbers": [1.5] * 20, "range": range(3), "none": None, "empty": {}, "nothing": [],
    }  # fmt: skip
    found, known = leaves(dumped(value, protocol)), leaves(dumped(value, 4))
    for path in ("array", "scalar", "mixed", "text", "bytes"):
        assert isinstance(found[path], Array), path
    assert found["none"] is None and found["empty"] == "{}" and found["nothing"] == "[]"
    assert (found["set[0]"], found["set[1]"]) == ("a", "b")
    assert found.keys() == known.keys()
    assert found["whole"] == 2**70
    assert bytes(found["array"].data) == bytes(known["array"].data) == DATA.tobytes()


# --- what a stranger writes -----------------------------------------------------------------


class Evil:
    def __init__(self, function: Any, *args: Any) -> None:
        self.made = function, args

    def __reduce__(self) -> Any:
        return self.made


def test_nothing_that_a_pickle_names_is_called(tmp_path):
    mark = tmp_path / "ran"
    evil = dumped(Evil(Path.touch, mark))
    assert pickle.loads(evil) is None and mark.exists()
    mark.unlink()
    found = inside(tmp_path, "model.pkl", dumped({"a": 1}), evil)
    assert not mark.exists()
    assert found.parts[0].path == "a"


def test_nothing_that_a_pickle_names_is_imported(tmp_path):
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "trap.py").write_text("open('ran', 'w')")
    for content in (b"ctrap\nThing\n.", b"\x80\x04\x8c\x04trap\x8c\x05Thing\x93."):
        inside(tmp_path, "m.pkl", dumped(1), content)
    assert not (tmp_path / "room" / "ran").exists()


def doubled(times: int) -> bytes:
    """A tuple of twice the tuple before, so often."""
    return b"\x80\x04)" + b"2\x86" * times + b"."


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a pickle",
        b"\x80\x04",
        b"\x80\x09N.",
        doubled(60),
        b"\x80\x04}" + doubled(60)[2:-1] + b"Ns.",
        b"\x80\x04\x8f(" + doubled(60)[2:-1] + b"\x90.",
        b"]" * 100_000 + b"a" * 99_999 + b".",
        b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x.",
        b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"x.",
        b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"N.",
        b"Nr\xff\xff\xff\xff.",
        b"\x80\x02\x82\x01.",
        b"c_codecs\nencode\n(I1000000000000\ntR.",
        b"\x80\x04NNb.",
        b"\x80\x04N)R.",
        b"\x80\x04K\x01K\x02R.",
        b"I" + b"9" * 100_000 + b"\n.",
    ],
)
def test_a_hostile_pickle_is_refused_or_read_within_bounds(content):
    try:
        found = leaves(content)
    except Refused as error:
        assert "\n" not in str(error)
    else:
        assert len(found) < 100


def test_an_array_that_lies():
    good = dumped(np.arange(4.0))
    for place, byte in ((good.index(b"K\x04"), b"K\x05"), (good.index(b"f8"), b"f4")):
        with pytest.raises(Refused):
            leaves(good[:place] + byte + good[place + 2 :])


def test_a_file_that_is_none_says_why(tmp_path):
    with pytest.raises(Unreadable, match="no pickle that can be read"):
        inside(tmp_path, "m.pkl", dumped(1), b"\x80\x04oops")
    with pytest.raises(Unreadable, match="LZ4"):
        inside(tmp_path, "m.pkl", dumped(1), b"\x04\x22\x4d\x18rest")


@pytest.mark.parametrize("name", ["x.h5", "x.parquet", "x.png"])
def test_a_library_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises(Unreadable, match=r"the environment has no|Error"):
        inside(tmp_path, name, b"one", b"other")


@pytest.mark.parametrize("seed", range(20))
def test_damaged_pickles_never_raise_anything_else(seed):
    content = dumped(
        {"m": LogisticRegression(), "x": DATA[:3], "s": {1, 2}, "n": [1.5] * 9}, seed % 6
    )
    opcodes = [at for _, _, at in pickletools.genops(content) if at is not None]
    random = np.random.RandomState(seed)
    for _ in range(200):
        damaged = bytearray(content)
        for at in random.choice(opcodes, 3):
            damaged[at] = random.choice(
                [random.randint(256), ord("R"), ord("b"), ord("s"), ord("2")]
            )
        try:
            leaves(bytes(damaged[: random.choice([len(damaged), random.randint(len(damaged))])]))
        except Refused:
            continue


def test_old_torch_files(tmp_path):
    def saved(weights: list[float]) -> bytes:
        storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x005X\x03\x00\x00\x00cpuK\x02NtQ"
        tensor = (
            b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00K\x02\x85K\x01\x85\x89NtR"
        )
        root = b"\x80\x02}X\x01\x00\x00\x00w" + tensor + b"s."
        parts = [
            dumped(0x1950A86A20F9469CFC6C, 2),
            dumped(1001, 2),
            dumped({}, 2),
            root,
            dumped(["5"], 2),
        ]
        return b"".join(parts) + struct.pack("<q2f", 2, *weights)

    found = inside(tmp_path, "m.pt", saved([1, 2]), saved([1, 3]))
    assert (found.format, found.parts[0].where) == ("torch checkpoint", "w[1]")


def test_several_pickles_in_one_file(tmp_path):
    found = inside(
        tmp_path, "m.pkl", dumped({"a": 1}) + dumped({"b": 2}), dumped({"a": 1}) + dumped({"b": 3})
    )
    assert found.parts[0].where == "[1].b"
    more = inside(tmp_path, "m.pkl", dumped([1]), dumped([1]) + dumped([2]))
    assert more.parts, "a second one is not passed over"


def test_bytes_behind_a_pickle_are_not_passed_over(tmp_path):
    with pytest.raises(Unreadable):
        inside(tmp_path, "m.pkl", dumped(1), dumped(1) + b"\x80\x04rest")
