"""Mapping files: every mistake at once, and a schema that agrees with the reader."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from activation.identifiers.row_rules import written
from jsonschema import Draft202012Validator

from glue_scripts.normalize.errors import BadMapping
from glue_scripts.normalize.mapping_file import read_mapping
from glue_scripts.normalize.mapping_schema import mapping_schema

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "docs" / "schemas" / "mapping.schema.json"
WHOLE: dict[str, Any] = {
    "name": "spend-2026",
    "input": {
        "format": "csv",
        "delimiter": "|",
        "encoding": "windows-1252",
        "escape": "backslash",
        "null": ["\\N"],
        "complete": "sign",
    },
    "derived": {
        "month": {"period_of": "day", "period": "month"},
        "born": {"year_of": "dob"},
        "both": {"join": ["a", "b"], "with": "-"},
    },
    "filters": [
        {"column": "a", "in": ["x", 1]},
        {"column": "b", "at_least": 1.5},
        {"column": "day", "below": "2026-12-01"},
        {"column": "c", "present": True},
        {"column": "d", "not_equals": "x"},
    ],
    "consent": {"column": ["opt_in", "sms"], "allow": [True, "granted"]},
    "group_by": ["customer", "month"],
    "aggregates": {"email": {"first": "email"}, "spend": {"sum": "amount"}, "orders": {"count": "*"}},
    "having": [{"column": "spend", "above": 100}],
    "columns": {"email": "email", "country": "US"},
    "default_country": "US",
    "date_order": "mdy",
    "time_zone": "Europe/Berlin",
    "target": {"platform": "meta", "connector": "meta", "audience": "VIP", "action": "replace"},
    "output": {"identifiers": "hashed", "format": "csv", "rows_per_part": 10, "deduplicate": False},
}
# A place in the document, and a value that is wrong there.
TOLD = {"google": {"ad_user_data": "GRANTED", "ad_personalization": "UNSPECIFIED"}}
WRONG: list[tuple[str, object]] = [
    ("surplus", 1),
    ("name", "a b"),
    ("input.format", "xlsx"),
    ("input.delimiter", '"'),
    ("input.delimiter", "||"),
    ("input.escape", "slash"),
    ("input.null", [""]),
    ("input.complete", "perhaps"),
    ("input.quoting", "all"),
    ("derived.month", {"period_of": "day", "period": "moon"}),
    ("derived.month", {"period_of": "day", "year_of": "day"}),
    ("derived.born", {"year_of": 7}),
    ("derived.both", {"join": "a"}),
    ("derived.both", {"join": []}),
    ("derived.both", {"join": ["a"], "with": "x" * 11}),
    ("filters", {"column": "a"}),
    ("filters", [{"column": "a"}]),
    ("filters", [{"column": "a", "in": []}]),
    ("filters", [{"column": "a", "in": [1.5]}]),
    ("filters", [{"column": "a", "above": "much"}]),
    ("filters", [{"column": "a", "above": 1e20}]),
    ("having", [{"column": "spend", "below": float("inf")}]),
    ("filters", [{"column": "a", "present": "yes"}]),
    ("filters", [{"column": "a", "equals": "x", "in": ["x"]}]),
    ("filters", [{"column": " ", "equals": "x"}]),
    ("consent", {}),
    ("consent", {"column": "opt_in"}),
    ("consent", {"column": "opt_in", "allow": []}),
    ("consent.scope", "identifiers"),
    ("group_by", "customer"),
    ("group_by", ["a", "a"]),
    ("aggregates.spend", {"mean": "amount"}),
    ("aggregates.spend", {"sum": "*"}),
    ("aggregates.spend", {"sum": "a", "max": "a"}),
    ("columns", ["email"]),
    ("columns.email", 7),
    ("default_country", "usa"),
    ("date_order", "dym"),
    ("target", []),
    ("target.audience", "a/b"),
    ("target.audience", ".."),
    ("target.audience", "a\nb"),
    ("target.connector", ""),
    ("target.action", "delete"),
    ("output", {}),
    ("output.identifiers", "plain"),
    ("output.identifiers", []),
    ("output.rows_per_part", 0),
    ("output.rows_per_part", True),
    ("output.format", "orc"),
    ("output.event_id", [1]),
    ("output.deduplicate", "no"),
    ("consent.tell", {"meta": {"ad_user_data": "GRANTED"}}),
    ("consent.tell", {"google": {"ad_user_data": "GRANTED"}}),
    ("consent.tell", {"amazon_ads": {"amzn_ad_storage": "UNSPECIFIED", "amzn_user_data": "GRANTED"}}),
    ("consent.scope", "last"),
]
# Wrong as well, but not for a schema: it knows neither platforms nor time zones, nor what belongs together.
BETWEEN: list[tuple[str, object, str]] = [
    ("consent.tell", TOLD, "consent.tell.google"),
    ("time_zone", "Europe/Atlantis", "time_zone"),
    ("input.encoding", "klingon", "input.encoding"),
    ("target.platform", "myspace", "target.platform"),
    ("target.platform", "meta_conversions", "output.identifiers"),
    ("target", {"platform": "snapchat", "connector": "s", "audience": "a", "action": "replace"}, "target.action"),
    ("columns", {"email": "emial"}, "columns"),
    ("having", [{"column": "amount", "above": 1}], "having[0]"),
    ("aggregates.month", {"count": "*"}, "aggregates.month"),
    ("aggregates.Month", {"count": "*"}, "aggregates.Month"),
    ("aggregates. spend", {"max": "amount"}, "aggregates.spend"),
    ("columns. email", "phone", "columns.email"),
    ("filters", [{"column": "day", "at_most": "2026-13-45"}], "filters[0]"),
    ("filters", [{"column": "a", "above": float("nan")}], "filters[0]"),
    ("group_by", [], "aggregates"),
    ("output.event_id", ["customer", "month"], "output.event_id"),
]


def changed(place: str, value: object) -> dict[str, Any]:
    """Return the whole mapping with another value in one place."""
    document = copy.deepcopy(WHOLE)
    *path, last = place.split(".")
    inside = document
    for name in path:
        inside = inside[name]
    inside[last] = value
    return document


def mistakes(document: object) -> tuple[str, ...]:
    """Return what the reader says is wrong."""
    try:
        read_mapping(json.dumps(document))
    except BadMapping as error:
        return error.mistakes
    return ()


def test_a_whole_mapping_is_read() -> None:
    """Every key there is can be used together."""
    found = read_mapping(json.dumps(WHOLE))
    assert [one.name for one in found.aggregates] == ["email", "spend", "orders"]
    assert found.consent.columns == ("opt_in", "sms")
    assert found.context.default_country == "US"
    assert mistakes(WHOLE) == ()
    assert set(WHOLE) | {"$schema"} == set(mapping_schema()["properties"])


@pytest.mark.parametrize(("place", "value"), WRONG)
def test_reader_and_schema_refuse_the_same(place: str, value: object) -> None:
    """What is wrong in one place is found there by the reader, and by the schema as well."""
    document = changed(place, value)
    found = mistakes(document)
    assert any(one.startswith(place.split(".", maxsplit=1)[0]) for one in found)
    assert not Draft202012Validator(mapping_schema()).is_valid(document)


@pytest.mark.parametrize(("place", "value", "named"), BETWEEN)
def test_what_does_not_fit_together_is_named(place: str, value: object, named: str) -> None:
    """The sentence begins with the place that has to be corrected."""
    assert named in [one.partition(":")[0] for one in mistakes(changed(place, value))]


def test_the_target_may_be_told_of_consent() -> None:
    """A platform that has fields for consent gets a mapping that says what to tell it."""
    document = changed("target", {"platform": "google", "connector": "google", "audience": "vip"})
    document["consent"]["tell"] = TOLD
    assert Draft202012Validator(mapping_schema()).is_valid(document)
    found = read_mapping(json.dumps(document)).consent
    assert written(found)["tell"] == TOLD


def test_all_mistakes_are_reported_at_once() -> None:
    """A document that is wrong everywhere is refused once, and nothing of it is left out."""
    document = changed("input.format", "xlsx")
    document["columns"] = {"email": "emial"}
    document["having"] = [{"column": "nothing", "above": 1}]
    document["output"]["rows_per_part"] = 0
    places = [one.partition(":")[0] for one in mistakes(document)]
    assert places == ["output.rows_per_part", "input.format", "columns", "having[0]"]


@pytest.mark.parametrize("text", ["", "[]", "{", "nul", "[" * 100_000])
def test_what_is_no_object_is_refused(text: str) -> None:
    """A file that is no JSON object has one mistake."""
    with pytest.raises(BadMapping) as refused:
        read_mapping(text)
    assert len(refused.value.mistakes) == 1


def test_a_key_that_is_twice_in_an_object_is_a_mistake() -> None:
    """JSON readers keep the last of two keys of one name; here the mapping is refused, at any depth."""
    text = json.dumps(WHOLE).replace('"email": "email"', '"email": "email", "email": "phone"')
    with pytest.raises(BadMapping) as refused:
        read_mapping(text[:-1] + ', "consent": {"column": "opt_in", "allow": ["no"]}}')
    assert [one for one in refused.value.mistakes if "twice" in one] == [
        "the key 'email' is twice in one object",
        "the key 'consent' is twice in one object",
    ]


def test_aggregated_events_need_an_id() -> None:
    """Without a rule for their id, or with one that groups share, events would count twice or not at all."""
    document = changed("target", {"platform": "meta_conversions", "connector": "sales", "audience": "shops"})
    document["output"] = {"identifiers": "events"}
    document["columns"] = {"event_name": "purchase"}
    assert [one for one in mistakes(document) if one.startswith("output.event_id: is missing")]
    document["output"]["event_id"] = ["customer"]
    assert [one for one in mistakes(document) if one.startswith("output.event_id: lacks 'month'")]
    document["output"]["event_id"] = ["customer", "month"]
    assert mistakes(document) == ()


def test_the_schema_in_the_docs_is_that_of_the_reader() -> None:
    """The file in docs/schemas is what the reader's words give; delete it and run this test to write it anew."""
    text = json.dumps(mapping_schema(), indent=2, ensure_ascii=False) + "\n"
    if not SCHEMA.exists():
        SCHEMA.write_text(text)
        pytest.fail(f"{SCHEMA.name} was missing and is written now")
    assert SCHEMA.read_text() == text
    assert Draft202012Validator(mapping_schema()).is_valid(WHOLE)


def test_the_example_of_the_docs_is_a_mapping() -> None:
    """The first JSON of docs/glue.md is read without a mistake, and the schema accepts it."""
    text = (ROOT / "docs" / "glue.md").read_text().split("```json\n")[1].split("```")[0]
    assert mistakes(json.loads(text)) == ()
    assert Draft202012Validator(mapping_schema()).is_valid(json.loads(text))
