"""Lines that speak of the program and not of the training: tracebacks, warnings, echoed command lines."""

from __future__ import annotations

import re

_TRACEBACK = re.compile(r"\s*(?:\| )?Traceback \(most recent call last\):\s*$")
_FRAME = re.compile(r"\s+(?:\| )?File \"[^\"]{1,400}\", line \d{1,9}(?:,? in .{1,200})?$")
_ERROR = re.compile(
    r"(?:(?:\w{1,60}\.){1,8}[A-Z]\w{0,80}|[A-Z]\w{0,80}(?:Error|Exception|Interrupt|Exit|Warning|Iteration"
    r"|Group|Failed|Failure|Expired|Timeout)|[A-Z]?(?:Error|Exception))(?::\s|$)"
)
"""What ends a traceback: never a line that could be a metric."""
_WARNING = re.compile(r"(?:\S.{0,300})?:\d{1,9}: (?:[A-Za-z_][\w.]{0,80})?Warning: ")
_COMMAND = re.compile(
    r"\s*(?:[+$>] ?)?(?:[A-Z_]\w{0,40}=\S{0,80} )*(?:\S{0,120}/)?"
    r"(?:python[\d.]{0,5}|uv|poetry|pipenv|pdm|conda|dvc|make|bash|sh|Rscript|torchrun|accelerate|deepspeed|papermill"
    r"|\w[\w.-]{0,60}\.(?:py|sh|R))\s(?:\S.{0,400}\s)?(?:--[A-Za-z]|-[A-Za-z]\s)"
)
_SCRIPT = re.compile(
    r"\s*(?:[+$>] ?)?(?:[A-Z_]\w{0,40}=\S{0,80} )*(?:\S{0,120}/)?"
    r"(?:python[\d.]{0,5}|bash|sh|Rscript|torchrun) \S{1,200}\.(?:py|sh|R)(?:\s|$)"
)
_STAGE = re.compile(r"Running stage '[^'\n]{1,200}':?\s*$")
"""DVC's; the command follows. A replay executes the stages itself, and no DVC says so there."""
_TOOL = re.compile(
    r"(?:Resolved|Prepared|Installed|Uninstalled|Audited|Downloaded|Updated) \d+ packages? in "
    r"|\s*(?:Built|Building|Downloading|Updating|Downloaded) \S+(?: @ \S+| \([\d.]+ ?[kKMG]i?B\))$"
    r"|(?: [-+~] [A-Za-z][\w.-]*==)|Using (?:CPython|PyPy|Python) \d|Creating virtual environment at"
    r"|Requirement already satisfied: |Successfully installed [A-Za-z][\w.]*-\d|Collecting [A-Za-z][\w.-]*==\S+$"
    r"|\[(?:FATAL|WARN|INFO) +tini \(\d+\)\]"
    # tox sums up, nox and tox say what they start; luigi names its worker, salted by chance
    r"|\s*[\w.-]{1,60}: (?:OK|SKIP|FAIL code -?\d+) \([\d.]+=|\s*(?:congratulations :\)|evaluation failed :\() \("
    r"|nox > (?:Running session|Creating virtual|Command|Session|(?:python|pip|uv|conda)\b)"
    r"|[\w.-]{1,60}: (?:install_deps|install_package|commands(?:_pre|_post)?\[\d+\]|exit)(?:>| )"
    r"|(?:[A-Z]{4,8}: )?(?:\[pid \d+\] )?Worker Worker\(salt=\d"
    # the interpreter of itself, when it goes down
    r"|object (?:address|refcount|type|type name|repr) *: |(?:Current thread|Thread) 0x|Fatal Python error: "
    r"|Extension modules: .*\(total: \d+\)$"
    # Keras of an exported model: what it captures, by the address in memory
    r"|\s*\d{9,20}: TensorSpec\(shape="
    # GNU time, in its short and its long form
    r"|[\d.]+user [\d.]+system [\d:.]+elapsed |\d+inputs\+\d+outputs \("
    r"|\t(?:Command being timed|(?:User|System) time \(seconds\)|Percent of CPU this job got"
    r"|Elapsed \(wall clock\) time|(?:Average|Maximum) [a-z ]{4,22} size \(kbytes\)"
    r"|(?:Major|Minor) \([\w/ ]{8,24}\) page faults|(?:V|Inv)oluntary context switches|Swaps"
    r"|File system (?:in|out)puts|Socket messages (?:sent|received)|Signals delivered"
    r"|Page size \(bytes\)|Exit status)(?: \(h:mm:ss or m:ss\))?: "
)
LINES = 400
"""A traceback may have so many."""


def is_command(text: str, before: str = "") -> bool:
    """Whether it is a command line with options or a script, as make, `sh -x` and DVC print them.

    ``before``: the line before it."""
    if text.startswith("> ") and _STAGE.match(before):
        return True
    return _COMMAND.match(text) is not None or _SCRIPT.match(text) is not None


def is_of_a_tool(text: str) -> bool:
    """Whether it is a line of uv, pip, tini or GNU time: what was installed, what it cost."""
    return _TOOL.match(text) is not None


def span(texts: list[str], at: int) -> int:
    """How many lines from ``at`` on are such a message; 0: none."""
    text = texts[at]
    if _WARNING.match(text):
        behind = texts[at + 1] if at + 1 < len(texts) else ""
        # Python shows the line of code where it has the file
        return 2 if ".py:" in text and behind[:2] == "  " and behind.strip() else 1
    if not _TRACEBACK.match(text):
        return int(_FRAME.match(text) is not None)
    end = at + 1
    while end < min(len(texts), at + LINES) and (texts[end][:1] in (" ", "\t")):
        end += 1
    # the error itself stands at the margin, and ends the traceback; without one, it was cut short
    if end < len(texts) and _ERROR.match(texts[end]):
        end += 1
    return end - at
