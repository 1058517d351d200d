"""Small files of every form: the same content with two sets of cosmetics, and what each really holds.

``meaning`` reads with the standard library, not with the code under test.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy

from repro.cosmetics.events import _masked

DAYS = ("2024-01-02", "2025-11-12")
CLOCKS = ("03:04:05.678901", "13:14:15.161718")
RUNS = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210")
UUIDS = ("c2a1fa42-4efe-4d0c-8846-3e9ab1286707", "deced1a9-cf58-4c1b-9d3e-0f0e0d0c0b0a")


@dataclass(frozen=True)
class Sample:
    """``make(cosmetics, value)``: two cosmetics, 0 and 1; any number for the content."""

    path: str
    make: Callable[[int, float], bytes]
    meaning: Callable[[bytes], Any]


def pdf(which: int, value: float, extra: bytes = b"") -> bytes:
    when = ("20240102030405Z", "20251112131415Z")[which].encode()
    drawing = b"BT (value %s) Tj ET" % str(value).encode()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [] /Count 0 >>",
        b"<< /Length 4 0 R >>\nstream\n" + drawing + b"\nendstream",
        b"%d" % len(drawing),
        b"<< /Title (a \\( b (c)) /CreationDate (D:" + when + b") /ModDate (D:" + when + b") >>",
    )
    out, places = bytearray(b"%PDF-1.4\n%\xac\xdc \xab\xba\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in places)
    out += b"trailer\n<< /Size 6 /Root 1 0 R /Info 5 0 R /ID [<%s> <%s>] >>\n" % (
        RUNS[which].encode(), RUNS[which].encode(),
    )  # fmt: skip
    return bytes(out + extra + b"startxref\n%d\n%%%%EOF\n" % start)


def pdf_meaning(content: bytes) -> Any:
    content = re.sub(rb"Date \(D:\d{14}(Z|[+-]\d\d)\)", b"", content)
    return re.sub(
        rb"/ID \[(<[0-9a-fA-F \t\r\n\f\v]*>|\([^()]*\)) <[0-9a-fA-F \t\r\n\f\v]*>", b"", content
    )


def zipped(which: int, value: float, level: int | None = None) -> bytes:
    held = io.BytesIO()
    way = (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED)[which] if level is None else level
    with zipfile.ZipFile(held, "w", way) as archive:
        for name, text in (("a/model.txt", f"weights {value} " * 5), ("b.bin", "tail")):
            info = zipfile.ZipInfo(name, (2024 + which, 1, 2, 3, 4, 6))
            info.compress_type, info.external_attr = way, 0o100644 << 16
            archive.writestr(info, text)
    return held.getvalue()


def zip_meaning(content: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [
            (i.filename, i.external_attr, i.comment, i.flag_bits & 0x800, archive.read(i))
            for i in archive.infolist()
        ]


def npz(which: int, value: float) -> bytes:
    held = io.BytesIO()
    (numpy.savez, numpy.savez_compressed)[which](held, weights=numpy.array([value, 2.0]))
    return held.getvalue()


def gzipped(which: int, value: float) -> bytes:
    held = io.BytesIO()
    name = ("first.csv", "second.csv")[which]
    with gzip.GzipFile(name, "wb", (9, 1)[which], held, mtime=1_700_000_000 + which) as stream:
        stream.write(f"a,b\n1,{value}\n".encode() * 9)
    return held.getvalue()


def tarred(which: int, value: float, form: int = tarfile.PAX_FORMAT) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=form) as archive:
        for name in ("model.bin", "n" * 120):
            info = tarfile.TarInfo(name)
            content = f"weights {value}".encode()
            info.size, info.mtime = len(content), 1_700_000_000.5 + which
            info.uid, info.uname, info.mode = 1000 + which, ("ann", "bob")[which], 0o640
            archive.addfile(info, io.BytesIO(content))
    return held.getvalue()


def tar_meaning(content: bytes) -> Any:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return [
            (m.name, m.type, m.mode, m.linkname, (f := archive.extractfile(m)) and f.read())
            for m in archive.getmembers()
        ]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">L", len(content)) + kind + content + struct.pack(
        ">L", zlib.crc32(kind + content)
    )  # fmt: skip


def png(which: int, value: float, extra: bytes = b"") -> bytes:
    rows = (b"\0" + bytes([int(value * 100) % 256, 7, 9])) * 3
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">LLBBBBB", 3, 3, 8, 0, 0, 0, 0))
        + chunk(b"tEXt", b"Software\0" + (b"matplotlib 3.9", b"matplotlib 3.10")[which])
        + chunk(b"tEXt", b"Title\0loss")
        + chunk(b"tIME", bytes([7, 232 + which, 1, 2, 3, 4, 5]))
        + chunk(b"IDAT", zlib.compress(rows, (9, 0)[which]))
        + extra
        + chunk(b"IEND", b"")
    )


def png_meaning(content: bytes) -> Any:
    found, picture, position = [], b"", 8
    while position < len(content):
        (size,) = struct.unpack_from(">L", content, position)
        kind, held = (
            content[position + 4 : position + 8],
            content[position + 8 : position + 8 + size],
        )
        if kind == b"IDAT":
            picture += held
        elif kind != b"tIME" and not held.startswith(b"Software\0"):
            found.append((kind, held))
        position += 12 + size
    return found, zlib.decompress(picture)


def event(wall: float, rest: bytes) -> bytes:
    content = b"\x09" + struct.pack("<d", wall) + rest
    size = struct.pack("<Q", len(content))
    return size + struct.pack("<L", _masked(size)) + content + struct.pack("<L", _masked(content))


def events(which: int, value: float) -> bytes:
    scalar = b"\x0a\x04loss\x15" + struct.pack("<f", value)
    summary = b"\x0a" + bytes([len(scalar)]) + scalar
    return event(1.7e9 + which, b"\x1a\x0dbrain.Event:2") + event(
        1.7e9 + 9 * which, b"\x10\x05\x2a" + bytes([len(summary)]) + summary
    )


def events_meaning(content: bytes) -> Any:
    found, position = [], 0
    while position < len(content):
        (size,) = struct.unpack_from("<Q", content, position)
        found.append(content[position + 21 : position + 12 + size])
        position += size + 16
    return found


def pyc(which: int, value: float) -> bytes:
    return b"\xa7\r\r\n" + struct.pack("<LLL", 0, 1_700_000_000 + which, 99) + b"\xe3%r" % value


SVG = """<svg xmlns="x"><metadata><rdf><dc:date>{day}T{clock}</dc:date></rdf></metadata>
<defs><path id="m{a}" d="M 0 {value}"/></defs><use xlink:href="#m{a}"/>
<g clip-path="url(#p{a})"/><clipPath id="p{a}"/><text>{day}</text></svg>"""


def svg(which: int, value: float) -> bytes:
    text = SVG.replace("<text>{day}</text>", "<text>2024-01-01</text>")
    return text.format(
        day=DAYS[which], clock=CLOCKS[which], a=("0123456789", "abcdefabcd")[which], value=value
    ).encode()


HTML = """<html><div id="{id}" class="plotly-graph-div"></div><script>
if (document.getElementById("{id}")) {{ Plotly.newPlot("{id}", [{{"y": [1, {value}]}}]) }}
</script></html>"""


def html(which: int, value: float) -> bytes:
    return HTML.format(id=UUIDS[which], value=value).encode()


def document(which: int, value: float) -> bytes:
    run = RUNS[which]
    return json.dumps(
        {"run_id": run, "uri": f"mlruns/0/{run}/model", "timestamp": f"{DAYS[which]}T{CLOCKS[which]}",
         "digest": "d" * 32, "accuracy": value, "rows": [{"timestamp": "2024-01-01T00:00:01.5"}]},
        indent=(None, 2)[which],
    ).encode()  # fmt: skip


def mlmodel(which: int, value: float) -> bytes:
    return (
        f"artifact_path: mlruns/0/{RUNS[which]}/model\nmlflow_version: 2.9.2\nmodel_size_bytes: {value}\n"
        f"model_uuid: {RUNS[which]}\nrun_id: {RUNS[1 - which]}\n"
        f"utc_time_created: '{DAYS[which]} {CLOCKS[which]}'\n"
    ).encode()


def notebook(which: int, value: float) -> bytes:
    when = f"{DAYS[which]}T{CLOCKS[which]}"
    output = {"output_type": "stream", "text": [f"{value} <A object at 0x7f0000aa{which}0>"]}
    cell = {"id": ("0a0a0a0a", "1b1b1b1b")[which], "cell_type": "code", "execution_count": 1,
            "metadata": {"execution": {"iopub.execute_input": when}}, "source": ["1"],
            "outputs": [output]}  # fmt: skip
    papermill = {"start_time": when, "duration": 1.5 + which, "parameters": {"lr": 0.1}}
    return json.dumps(
        {"cells": [cell], "metadata": {"papermill": papermill}, "nbformat": 4, "nbformat_minor": 5}
    ).encode()


def log(which: int, value: float) -> bytes:
    return (
        f"{DAYS[which]} 03:04:05,678 INFO loss {value}\n[{DAYS[which]} 03:04:05] at 2024-01-01\n"
        f"<A object at 0x7f00{which}0aa>\n"
    ).encode()


def without(*patterns: bytes) -> Callable[[bytes], Any]:
    """The bytes but for what the patterns find: for forms that nothing in the library reads."""

    def meaning(content: bytes) -> Any:
        for pattern in patterns:
            content = re.sub(pattern, b"", content)
        return content

    return meaning


def renamed(*patterns: bytes) -> Callable[[bytes], Any]:
    """The same, with the ids found by the patterns as numbers in order."""

    def meaning(content: bytes) -> Any:
        known: dict[bytes, bytes] = {}
        for pattern in patterns:
            content = re.sub(
                pattern, lambda m: known.setdefault(m.group(), b"%d" % len(known)), content
            )
        return content

    return meaning


MOMENT = rb"20\d\d-[01]\d-[0-3]\d[T @][0-2]\d:[0-5]\d:[0-5]\d([.,]\d+)?"
SAMPLES = {
    "pdf": Sample("plot.pdf", pdf, pdf_meaning),
    "zip": Sample("model.zip", zipped, zip_meaning),
    "npz": Sample("weights.npz", npz, zip_meaning),
    "gzip": Sample("table.csv.gz", gzipped, gzip.decompress),
    "tar": Sample("out.tar", tarred, tar_meaning),
    "png": Sample("plot.png", png, png_meaning),
    "events": Sample("events.out.tfevents.1700000000.host.1.0", events, events_meaning),
    "pyc": Sample("a.pyc", pyc, lambda content: content[:8] + content[12:]),
    "svg": Sample("plot.svg", svg, renamed(rb"\b(?:[mph]|image)[0-9a-f]{10}\b", rb"(?<=date>)" + MOMENT)),
    "html": Sample("plot.html", html, renamed(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")),
    "json": Sample("meta.json", document, lambda content: _plain(json.loads(content))),
    "yaml": Sample("MLmodel", mlmodel, renamed(rb"[0-9a-f]{32}", rb"'" + MOMENT + rb"'")),
    "notebook": Sample("a.ipynb", notebook, lambda content: _plain(json.loads(content))),
    "log": Sample("a.log", log, without(rb"(?m)^\[?" + MOMENT, rb"0x[0-9a-f]+")),
}  # fmt: skip


def _plain(node: Any) -> Any:
    """JSON without the keys that the samples vary, run ids by number."""
    known: dict[str, str] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            skipped = ("iopub.execute_input", "start_time", "duration", "id", "timestamp")
            return [(key, plain(inner)) for key, inner in value.items() if key not in skipped]
        if isinstance(value, list):
            return [repr(inner) if "timestamp" in repr(inner) else plain(inner) for inner in value]
        if not isinstance(value, str):
            return repr(value)
        text = re.sub(r"0x[0-9a-f]{6,16}", "", value)
        return re.sub(
            r"\b[0-9a-f]{32}\b", lambda m: known.setdefault(m.group(), str(len(known))), text
        )

    return plain(node)
