"""Which versions Poetry's own words leave, as everybody else says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from repro.capturing.distributions import normalised
from repro.capturing.locks import document
from repro.capturing.requirements import Requirement


def specifier(text: str) -> str | None:
    """``^1.2`` as ``>=1.2,<2``, and so on; None for alternatives (``||``), which nobody else can say."""
    if "|" in text:
        return None
    clauses = [
        _clause(part) for part in re.split(r"\s*,\s*|\s+(?=[\^~<>=!])", text.strip()) if part
    ]
    return ",".join(clause for clause in clauses if clause)


def _clause(text: str) -> str:
    text = text.strip().replace(" ", "")
    if text in ("", "*"):
        return ""
    if text.startswith("^"):
        return f">={text[1:]},<{_next(text[1:], caret=True)}"
    if text.startswith("~") and not text.startswith("~="):
        return f">={text[1:]},<{_next(text[1:], caret=False)}"
    if re.match(r"[0-9v]", text):
        return f"=={text}"
    return text.replace("==", "=").replace("=", "==") if re.match(r"==?[^=]", text) else text


def _next(version: str, *, caret: bool) -> str:
    """The first version that is too new: behind a caret the first number that is not 0 goes up, behind
    a tilde the second."""
    numbers = [int(part) for part in re.findall(r"\d+", version.split("-")[0])][:3]
    place = min(1, len(numbers) - 1)
    if caret:
        place = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
    if not numbers:
        return "0"
    return ".".join(map(str, [*numbers[:place], numbers[place] + 1]))


def requirement(name: str, wish: Any) -> Requirement | None:
    """One entry of a table of dependencies, as Poetry and Pipenv write them."""
    asked = document.table(wish) if isinstance(wish, dict) else {"version": wish}
    words = document.text(asked.get("version"))
    places = ("git", "path", "url", "file")
    url = next((place for key in places if (place := document.text(asked.get(key)))), None)
    left = specifier(words)
    if not words and url is None and not isinstance(wish, dict):
        return None
    return Requirement(
        name=normalised(name),
        text=f"{name} {words}".strip(),
        marker=_marker(asked),
        url=url,
        specifier=left or "",
        extras=document.texts(asked.get("extras")),
        optional=asked.get("optional") is True,
    )


def _marker(asked: Mapping[str, Any]) -> str:
    parts = [document.text(asked.get("markers"))]
    if python := specifier(document.text(asked.get("python"))):
        for clause in python.split(","):
            sign, version = re.match(r"([<>=!~]*)(.*)", clause).groups()  # type: ignore[union-attr]
            known = "python_full_version" if version.count(".") > 1 else "python_version"
            parts.append(f"{known} {sign} '{version}'")
    if platform := document.text(asked.get("platform")):
        parts.append(f"sys_platform == '{platform}'")
    said = [part for part in parts if part]
    return " and ".join(f"({part})" for part in said) if len(said) > 1 else "".join(said)
