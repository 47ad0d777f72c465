"""Which rows may be sent, as the settings say it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from activation.identifiers.row_rules import read_rule, rule_mistakes, written
from activation.row_rule import NO_RULE, ConsentSignal, RowRule, Scope

SIGNALS = {
    "one": (ConsentSignal("data", ("GRANTED", "DENIED"), ""), ConsentSignal("ads", ("GRANTED", "DENIED"), "")),
    "two": (ConsentSignal("data", ("YES",), ""),),
}
TOLD = {"one": {"data": "GRANTED", "ads": "DENIED"}}


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
    telling = read_rule({"column": "ok", "allow": [True], "tell": TOLD})
    assert telling.tell == (("one", (("data", "GRANTED"), ("ads", "DENIED"))),)
    assert read_rule(json.loads(json.dumps(written(telling)))) == telling
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


@pytest.mark.parametrize(
    ("tell", "wrong"),
    [
        (TOLD, []),
        (TOLD | {"two": {"data": "YES"}}, []),
        ({}, ["tell"]),
        ("GRANTED", ["tell"]),
        ({"three": {"data": "GRANTED"}}, ["tell.three"]),
        ({"one": "GRANTED"}, ["tell.one.data", "tell.one.ads"]),
        ({"one": {"data": "GRANTED"}}, ["tell.one.ads"]),
        ({"one": {"data": "yes", "ads": True}, "two": {}}, ["tell.one.data", "tell.one.ads", "tell.two.data"]),
        ({"one": {**TOLD["one"], "more": "GRANTED"}}, ["tell.one.more"]),
    ],
)
def test_what_a_platform_is_told_is_said_whole_or_refused(tell: object, wrong: list[str]) -> None:
    """Every signal of a platform that is named needs a status, and every mistake has a sentence of its own."""
    rule = {"column": "ok", "allow": [True], "tell": tell}
    assert sorted(rule_mistakes(rule, SIGNALS)) == sorted(wrong)
    assert list(rule_mistakes(rule)) == ["tell"]


@pytest.mark.parametrize("tell", ["GRANTED", ["one"], {"one": "GRANTED"}])
def test_a_tell_that_cannot_be_read_is_never_none(tell: object) -> None:
    """A function whose environment has another form fails instead of telling nothing."""
    with pytest.raises(ValueError, match="tell"):
        read_rule({"column": "ok", "allow": [True], "tell": tell})
