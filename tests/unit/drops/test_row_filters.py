"""Which rows a rule's columns let through."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from activation.drops.reading import Reading
from activation.drops.row_filters import row_filters, scope_of
from activation.errors import Rejected
from activation.identifiers.row_rules import read_rule
from activation.identifiers.table import Context
from activation.model import HASHED, RAW, Action, Kind
from activation.row_rule import Scope

READING = Reading(
    Context(),
    consent=read_rule({"column": "Sí o no", "allow": [True]}),
    operation=read_rule({"column": "Op", "allow": ["I"]}),
)


def allowed(header: list[str], columns: list[list[str | None]], action: Action = Action.ADD) -> list[list[bool]]:
    """Return what each filter of a file lets through."""
    batch = pa.record_batch([pa.array(one, pa.string()) for one in columns], names=list("abc")[: len(columns)])
    return [one.allowed(batch).to_pylist() for one in row_filters(READING, header, RAW, action)]


def test_answers_are_compared_without_case_and_spaces_in_either_unicode_form() -> None:
    """A null, a blank and an unknown word are no; the column is found by its folded name."""
    answers = ["SI\u0301", " sí ", None, "", "x", "No"]
    found = allowed(["si-o-no", "op"], [answers, ["I"] * 6])
    assert found == [[True, True, False, False, False, False], [True] * 6]


def test_of_columns_of_one_name_each_has_to_say_yes() -> None:
    """In doubt a row is not sent."""
    found = allowed(["Sí o no", "Sí o no", "Op"], [["sí", "sí", "no"], ["sí", "no", "sí"], ["i", "D", None]])
    assert found == [[True, False, False], [True, False, False]]


def test_a_drop_that_removes_takes_out_who_is_not_deleted() -> None:
    """A blank operation deletes nobody."""
    assert allowed(["Op"], [["I", "D", "", None]], Action.REMOVE) == [[False, True, False, False]]
    assert allowed(["email"], [["a"]], Action.REMOVE) == []


@pytest.mark.parametrize("action", [Action.ADD, Action.REPLACE, Action.MIRROR])
@pytest.mark.parametrize("kind", [RAW, HASHED, Kind("email", hashed=False, single="EMAIL")])
def test_a_missing_column_stops_what_adds(action: Action, kind: Kind) -> None:
    """Nobody knows who may be sent."""
    with pytest.raises(Rejected) as error:
        row_filters(READING, ["email"], kind, action)
    assert error.value.code == "consent_missing"


@pytest.mark.parametrize(
    ("allow", "scope"),
    [
        (["I", "U"], Scope.LAST),
        (["insert", "Update", "r"], Scope.LAST),
        ([False], Scope.IDENTIFIERS),
        ([""], Scope.IDENTIFIERS),
        (["active"], Scope.IDENTIFIERS),
        (["I", "active"], Scope.IDENTIFIERS),
    ],
)
def test_only_a_log_of_changes_has_an_order(allow: list[object], scope: Scope) -> None:
    """What is not plainly such a log keeps a person out wherever the deleted row stands; consent is its row's."""
    rule = read_rule({"column": "op", "allow": allow})
    assert scope_of("operation", rule) is scope
    assert scope_of("consent", rule) is Scope.ROW
    assert scope_of("operation", replace(rule, scope=Scope.ROW)) is Scope.ROW
    assert scope_of("operation", rule, in_order=False) is Scope.IDENTIFIERS
    assert scope_of("operation", replace(rule, scope=Scope.LAST), in_order=False) is Scope.LAST


def test_several_columns_of_consent_all_have_to_allow_a_row() -> None:
    """One no among them is a no, and a file that lacks one of them is refused."""
    rule = read_rule({"column": ["email ok", "sms ok"], "allow": [True]})
    reading = Reading(Context(), consent=rule)
    (one,) = row_filters(reading, ["SMS OK", "email", "Email OK"], RAW, Action.ADD)
    cells = [["yes", "yes", "no", ""], ["a", "b", "c", "d"], ["yes", "no", "yes", "yes"]]
    batch = pa.record_batch([pa.array(cell, pa.string()) for cell in cells], names=list("abc"))
    assert one.allowed(batch).to_pylist() == [True, False, False, False]
    with pytest.raises(Rejected, match="sms ok") as error:
        row_filters(reading, ["email", "Email OK"], RAW, Action.ADD)
    assert error.value.code == "consent_missing"
