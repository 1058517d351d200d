"""What trackers write, written by hand: so that no tracker need be installed to test their readers."""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path


def varint(value: int) -> bytes:
    value &= 2**64 - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def whole(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)


def held(number: int, content: bytes | str) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def double(number: int, value: float) -> bytes:
    return varint(number << 3 | 1) + struct.pack("<d", value)


def single(number: int, value: float) -> bytes:
    return varint(number << 3 | 5) + struct.pack("<f", value)


# --- TensorBoard --------------------------------------------------------------------------------


def crc32c(content: bytes) -> int:
    """Bit by bit, unlike the reader's."""
    value = 0xFFFFFFFF
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def masked(content: bytes) -> bytes:
    value = crc32c(content)
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(content: bytes) -> bytes:
    size = struct.pack("<Q", len(content))
    return size + masked(size) + content + masked(content)


def event(step: int, *values: bytes) -> bytes:
    summary = b"".join(held(1, value) for value in values)
    return record(double(1, 1.5e9) + whole(2, step) + held(5, summary))


def scalar(tag: str, value: float) -> bytes:
    return held(1, tag) + single(2, value)


def plugin(name: str) -> bytes:
    return held(9, held(1, held(1, name)))


def tensor(tag: str, content: bytes, named: str = "scalars") -> bytes:
    return held(1, tag) + held(8, content) + (plugin(named) if named else b"")


HEAD = record(double(1, 1.5e9) + held(3, "brain.Event:2"))


def events(path: Path, *records: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(HEAD + b"".join(records))
    return path


# --- W&B ----------------------------------------------------------------------------------------

BLOCK = 32768


def wandb_file(path: Path, records: Iterable[bytes]) -> Path:
    out = bytearray(b":W&B" + struct.pack("<HB", 0xBEE1, 0))
    for content in records:
        first = True
        while first or content:
            room = BLOCK - len(out) % BLOCK
            if room < 7:
                out += b"\0" * room
                continue
            part, content = content[: room - 7], content[room - 7 :]
            kind = (1 if not content else 2) if first else (4 if not content else 3)
            out += struct.pack("<IHB", zlib.crc32(bytes([kind]) + part), len(part), kind) + part
            first = False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(out)
    return path


def _items(number: int, values: Mapping[str, object]) -> bytes:
    def item(key: str, value: object) -> bytes:
        path = b"".join(held(2, part) for part in key.split("."))
        return held(number, path + held(16, json.dumps(value)))

    return b"".join(item(key, value) for key, value in values.items())


def history(step: int, **values: object) -> bytes:
    return held(2, _items(1, {"_step": step, "_runtime": 0.25, **values}))


def summary(**values: object) -> bytes:
    return held(3, _items(1, values))


def started(seconds: int, name: str = "") -> bytes:
    return held(17, held(8, name) + held(17, whole(1, seconds)))


def ended(code: int) -> bytes:
    return held(18, whole(1, code))


# --- MLflow -------------------------------------------------------------------------------------

SCHEMA = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name VARCHAR(256));
CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), source_type VARCHAR(20),
  source_name VARCHAR(500), entry_point_name VARCHAR(50), user_id VARCHAR(256), status VARCHAR(9),
  start_time BIGINT, end_time BIGINT, source_version VARCHAR(50), lifecycle_stage VARCHAR(20),
  artifact_uri VARCHAR(200), experiment_id INTEGER);
CREATE TABLE metrics (key VARCHAR(250), value FLOAT NOT NULL, timestamp BIGINT, run_uuid VARCHAR(32),
  step BIGINT DEFAULT 0 NOT NULL, is_nan BOOLEAN DEFAULT 0 NOT NULL);
CREATE TABLE params (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32));
CREATE TABLE tags (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32));
CREATE TABLE model_versions (name VARCHAR(256), version INTEGER, run_id VARCHAR(32));
CREATE TABLE registered_model_aliases (name VARCHAR(256), alias VARCHAR(256), version INTEGER);
"""
FIRST = SCHEMA.replace(
    "  step BIGINT DEFAULT 0 NOT NULL, is_nan BOOLEAN DEFAULT 0 NOT NULL", "  x INT"
)
FIRST = FIRST.split("CREATE TABLE model_versions")[0]
"""As MLflow 1.0 had it: no steps, no mark for NaN, no registry."""


def database(path: Path, schema: str = SCHEMA) -> sqlite3.Connection:
    base = sqlite3.connect(path)
    base.executescript(schema)
    return base


def tracked(
    base: sqlite3.Connection,
    run_id: str,
    start: float,
    points: Iterable[tuple[str, int, float]] = (),
    *,
    name: str = "",
    status: str = "FINISHED",
    stage: str = "active",
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """A run, its points as (key, step, value) in the order of their times."""
    base.execute(
        "INSERT INTO runs (run_uuid, name, status, start_time, lifecycle_stage, user_id)"
        " VALUES (?, ?, ?, ?, ?, 'ann')",
        (run_id, name, status, int(start * 1000), stage),
    )
    for at, (key, step, value) in enumerate(points):
        nan = value != value
        base.execute(
            "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (key, 0.0 if nan else value, int(start * 1000) + at, run_id, step, nan),
        )
    for table, pairs in (("params", params), ("tags", tags)):
        for key, text in (pairs or {}).items():
            base.execute(f"INSERT INTO {table} VALUES (?, ?, ?)", (key, text, run_id))
    base.commit()


def filed(
    store: Path,
    run_id: str,
    start: float,
    metrics: Mapping[str, str],
    *,
    name: str = "",
    stage: str = "active",
    status: int = 3,
    tags: Mapping[str, str] | None = None,
) -> Path:
    """A run in a file store; a metric's file as it stands."""
    folder = store / "0" / run_id
    for part in ("metrics", "params", "tags", "artifacts"):
        (folder / part).mkdir(parents=True)
    (store / "0" / "meta.yaml").write_text("experiment_id: '0'\nname: Default\n")
    (folder / "meta.yaml").write_text(
        f"run_id: {run_id}\nrun_name: '{name}'\nstart_time: {int(start * 1000)}\n"
        f"status: {status}\nlifecycle_stage: {stage}\nuser_id: ann\n"
    )
    for key, text in metrics.items():
        (folder / "metrics" / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / "metrics" / key).write_text(text)
    for key, text in (tags or {}).items():
        (folder / "tags" / key).write_text(text)
    return folder
