"""What each platform's pages, and the standards behind them, say of single values."""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from activation.identifiers.identify import identify_value
from activation.identifiers.table import Context, Digest

CASES = [json.loads(line) for line in Path(__file__).with_name("cases.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("case", CASES, ids=[f"{n}-{v['field']}" for n, v in enumerate(CASES, 1)])
def test_case(case: dict[str, Any]) -> None:
    """A value is normalised as its source says, or refused with the code that says why."""
    field = import_module(f"lambdas.{case['platform']}.fields").TABLE.field(case["field"])
    context = Context(case.get("default_country", ""), date_order=case.get("date_order", ""))
    cell = identify_value(field, case["raw"], context, hashed=False)
    assert cell.code == case.get("code")
    assert cell.normalized == case.get("normalized")
    if cell.normalized is None:
        assert cell.sent is None
    elif field.digest is Digest.PLAIN:
        assert cell.sent == cell.normalized
    elif field.digest is Digest.SHA256_HEX:
        assert cell.sent == case.get("sha256", hashlib.sha256(case["normalized"].encode()).hexdigest())


@pytest.mark.parametrize("blank", ["", " ", "\t\r\n", "\u00a0\u2003", "\ufeff", "\u200b\u200e", "\0"])
@pytest.mark.parametrize("hashed", [True, False])
def test_blank_is_neither_sent_nor_wrong(blank: str, hashed: bool) -> None:
    """White space of every kind, and marks nobody sees, are a blank cell."""
    for field in import_module("lambdas.meta.fields").TABLE.fields:
        cell = identify_value(field, blank, Context(), hashed=hashed)
        assert (cell.sent, cell.code) == (None, None)


def test_placeholders_are_left_out() -> None:
    """A configured placeholder is left out under its own code, however it is spelled."""
    field = import_module("lambdas.meta.fields").TABLE.field("EMAIL")
    context = Context(placeholders=frozenset(("test@test.com",)))
    assert identify_value(field, " Test@TEST.com", context, hashed=False).code == "placeholder"
    assert identify_value(field, " Test@TEST.com", Context(), hashed=False).sent
