"""Changes one ingredient of a restored run by a little: a check that does not notice it is worth nothing."""

from __future__ import annotations

import io
import os
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from repro.manifest import Data, DataKind, Manifest, Param, Scalar

MOST = 6
"""Mutations that are tried on one run."""
CAP = 64 * 1000**2
"""Bytes: a larger file is changed at its beginning."""


class Ingredient(str, Enum):
    PARAM = "param"
    DATA = "data"
    INPUT = "input"
    SOURCE = "source"


@dataclass(frozen=True)
class Mutation:
    """One small change. ``path`` is relative to the workspace."""

    ingredient: Ingredient
    path: str
    name: str = ""
    """Of a parameter."""
    value: Scalar = None


def candidates(manifest: Manifest) -> tuple[Mutation, ...]:
    """What could be changed in the run, the likeliest to be noticed first; one of each kind, then more."""
    kinds = [
        list(_params(manifest)),
        list(_data(manifest)),
        [
            Mutation(Ingredient.INPUT, item.path)
            for item in manifest.definition.inputs
            if not item.path.startswith(("/", "~/")) and item.link is None
        ],
        list(_source(manifest)),
    ]
    rounds = max(map(len, kinds))
    mixed = [kind[at] for at in range(rounds) for kind in kinds if at < len(kind)]
    return tuple(mixed[:MOST])


def _params(manifest: Manifest) -> Iterator[Mutation]:
    found = [item for item in manifest.definition.params if _is_number(item.value)]
    for item in sorted(found, key=_is_seed):
        yield Mutation(Ingredient.PARAM, item.source, item.name, item.value)


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_seed(item: Param) -> bool:
    """Last: what depends on the seed may be averaged away."""
    return "seed" in item.name.lower()


def _data(manifest: Manifest) -> Iterator[Mutation]:
    for item in sorted(manifest.definition.data, key=_is_folder):
        yield Mutation(Ingredient.DATA, item.path)


def _is_folder(item: Data) -> bool:
    return item.kind is DataKind.DIRECTORY


def _source(manifest: Manifest) -> Iterator[Mutation]:
    folder = manifest.definition.working_directory
    words = list(manifest.definition.command.argv)
    for stage in manifest.definition.command.stages:
        words += [word for line in stage.commands for word in line.split()]
    for word in dict.fromkeys(words):
        if word.endswith(".py") and not word.startswith(("/", "-")):
            yield Mutation(Ingredient.SOURCE, os.path.normpath(f"{folder}/{word}".lstrip("/")))


def applied(mutation: Mutation, workspace: Path) -> str:
    """Change it; what was changed, in words. Empty where it could not be."""
    path = _file(workspace / mutation.path)
    if path is None or not path.resolve().is_relative_to(workspace.resolve()):
        return ""
    content = path.read_bytes()
    match mutation.ingredient:
        case Ingredient.PARAM:
            changed = _other_param(content, mutation)
        case Ingredient.SOURCE:
            changed = _other_literal(content)
        case _:
            changed = _other_byte(content)
    if changed is None:
        return ""
    after, words = changed
    _put(path, after)
    return f"{path.relative_to(workspace).as_posix()}: {words}"


def _file(path: Path) -> Path | None:
    """The file; of a folder the first in it."""
    if path.is_file():
        return path
    if path.is_dir():
        found = sorted(item for item in path.rglob("*") if item.is_file() and item.stat().st_size)
        return found[0] if found else None
    return None


def _put(path: Path, content: bytes) -> None:
    """As a file of its own: what lies there may be a link into a cache."""
    mode = path.stat().st_mode
    beside = path.with_name(f".{path.name}.changed")
    beside.write_bytes(content)
    beside.chmod(mode | 0o200)
    beside.replace(path)


def _other_param(content: bytes, mutation: Mutation) -> tuple[bytes, str] | None:
    key = mutation.name.replace("\\.", ".").rpartition(".")[2] if mutation.name else ""
    text = content.decode("utf-8", "surrogateescape")
    value = rf"(?<=[\s:=]){re.escape(str(mutation.value))}(?![\w.])"
    pattern = rf"(?P<key>(?<![\w.-])[\"']?{re.escape(key)}[\"']?\s*[:=][ \t]*){value}"
    other = _other_number(mutation.value)
    after, count = re.subn(pattern, lambda found: f"{found['key']}{other}", text, count=1)
    if not count:
        return None
    return after.encode("utf-8", "surrogateescape"), f"{mutation.name} {mutation.value} -> {other}"


def _other_number(value: Scalar) -> str:
    if isinstance(value, int):
        return str(value + 1)
    assert isinstance(value, float)
    return repr(value * 1.5 if value else 0.5)


def _other_literal(content: bytes) -> tuple[bytes, str] | None:
    """The first number of a Python program that is neither 0 nor 1, and no part of a version."""
    try:
        tokens = list(tokenize.tokenize(io.BytesIO(content).readline))
    except (tokenize.TokenError, SyntaxError, UnicodeDecodeError):
        return None
    lines = content.splitlines(keepends=True)
    for token in tokens:
        if token.type == tokenize.NUMBER and re.fullmatch(r"\d+|\d+\.\d*", token.string):
            if token.string in ("0", "1"):
                continue
            row, column = token.start
            line = lines[row - 1].decode("utf-8")
            value = float(token.string) if "." in token.string else int(token.string)
            other = _other_number(value)
            new = line[:column] + other + line[column + len(token.string) :]
            lines[row - 1] = new.encode("utf-8")
            return b"".join(lines), f"line {row}: {token.string} -> {other}"
    return None


def _other_byte(content: bytes) -> tuple[bytes, str] | None:
    """One digit of a text, one bit of anything else, near the middle."""
    if not content:
        return None
    middle = min(len(content), CAP) // 2
    if b"\0" not in content[:65536]:
        for at in (*range(middle, min(middle + 65536, len(content))), *range(middle, -1, -1)):
            if at < len(content) and 0x30 <= content[at] <= 0x39:
                other = bytes([0x30 + (content[at] - 0x30 + 5) % 10])
                after = content[:at] + other + content[at + 1 :]
                return after, f"byte {at}: {chr(content[at])} -> {other.decode()}"
    at = min(middle, len(content) - 1)
    after = content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1 :]
    return after, f"byte {at}: {content[at]:#04x} -> {content[at] ^ 0x40:#04x}"
