"""Which rows may be sent, as the settings say it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from activation.identifiers.row_rules import read_rule, rule_mistakes, written
from activation.row_rule import NO_RULE, RowRule, Scope


def test_true_stands_for_the_words_of_yes() -> None:
    """A file of text has no booleans; a text in the settings stands for itself alone, whatever its case."""
    allowed = read_rule({"column": " ok ", "allow": [True]}).allow
    assert {"true", "t", "yes", "1", "1.0", "ja", "sí", "はい"} <= set(allowed)
    assert not {"", "no", "unknown"} & set(allowed)
    assert read_rule({"column": "ok", "allow": ["Subscribed ", 7]}) == RowRule("ok", ("subscribed", "7"))


def test_a_blank_cell_is_allowed_only_where_that_is_said() -> None:
    """The time at which somebody left is blank for everybody who has not."""
    assert read_rule({"column": "left", "allow": [""]}).allow == ("",)
    assert read_rule({"column": "left", "allow": [None]}).allow == ("",)


def test_a_rule_that_was_read_reads_as_itself() -> None:
    """The template writes it into the function's environment."""
    rule = read_rule({"column": "ok", "allow": [False, "maybe"]})
    assert read_rule(written(rule)) == rule
    reaching = replace(rule, scope=Scope.LAST, key="id", also=("sms",))
    assert read_rule(written(reaching)) == reaching
    assert read_rule({}) == NO_RULE
    assert not NO_RULE


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"column": "ok", "allow": [True]}, []),
        ({"column": "ok"}, ["allow"]),
        ({"allow": [True]}, ["column"]),
        ({"column": "", "allow": []}, ["column", "allow"]),
        ({"column": 5, "allow": "yes"}, ["column", "allow"]),
        ({"column": "ok", "allow": [1.5]}, ["allow"]),
        ({"column": "ok", "allow": [True, False]}, ["allow"]),
        ({"column": "ok", "allow": ["a" * 150, "b" * 150, "c" * 150]}, ["allow"]),
        ({"column": "ok", "allow": [True], "deny": [1]}, ["deny"]),
        ({"column": "ok", "allow": [True], "scope": "identifiers", "key": "id"}, []),
        ({"column": ["ok", "sms"], "allow": [True]}, []),
        ({"column": [], "allow": [True]}, ["column"]),
        ({"column": ["ok", ""], "allow": [True]}, ["column"]),
        ({"column": ["ok"] * 11, "allow": [True]}, ["column"]),
        ({"column": "ok", "allow": [True], "scope": "person", "key": ""}, ["scope", "key"]),
    ],
)
def test_mistakes_are_named_by_key(given: dict[str, Any], wrong: list[str]) -> None:
    """Each key that is missing, unknown or unusable has a sentence of its own."""
    assert sorted(rule_mistakes(given)) == sorted(wrong)
