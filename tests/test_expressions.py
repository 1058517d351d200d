"""Expressions that are compiled when they are first needed: a mistake in one must not wait for that."""

from __future__ import annotations

import re

import pytest

from repro.capturing import secret_rules
from repro.expressions import compiled
from repro.scanning import contexts, formats

FORMS = [
    *(form for _, _, form in secret_rules._FORMS),
    *(form for rules in formats._FORMATS.values() for _, form in rules),
    *(form for rules in contexts._RULES.values() for _, form, _ in rules),
]


def test_every_form_in_the_tables_is_an_expression() -> None:
    assert len(FORMS) > 100
    for form in FORMS:
        re.compile(form)


def test_a_form_is_compiled_once() -> None:
    assert compiled(rb"a(?P<v>b)") is compiled(rb"a(?P<v>b)")
    found = compiled(rb"a(?P<v>b)").match(b"ab")
    assert found and found["v"] == b"b"


def test_a_wrong_form_is_an_error() -> None:
    with pytest.raises(re.error):
        compiled(rb"(")
