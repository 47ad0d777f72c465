"""The schemas of `_audience.json` say what the platforms declare, and agree with the reader."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from activation.audience_options import NO_OPTIONS, AudienceOptions, GuardOptions, LimitedDataUse
from activation.identifiers.row_rules import read_rule, written
from activation.platforms.audience_options import option_mistakes, read_options, shown_options
from activation.platforms.discovery import platforms
from activation.platforms.option_schema import audience_schema
from activation.platforms.options import IntegerOption
from activation.platforms.platform import Platform
from activation.row_rule import ConsentSignal
from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
each_platform = pytest.mark.parametrize("platform", platforms().values(), ids=lambda one: one.name)
# Of each option, values that fit where a platform has it, and values that fit nowhere.
FITTING: dict[str, tuple[object, ...]] = {
    "id": ("23860000000000101", "7"),
    "description": ("Best customers", "é"),
    "retention_days": (1, 30, 180),
    "customer_file_source": ("USER_PROVIDED_ONLY",),
    "value_based": (True, False),
    "opt_out_link": ("https://example.com/out?of=it",),
    "limited_data_use": (True, False, {"country": 1, "state": 1000}, {"country": 0, "state": 0}),
    "shared": (True, False),
    "guard": ({"empty": "allow"}, {}, {"leave": "0%", "shrink": "100%"}, {"leave": "12.5%"}, {"shrink": 0.3}),
    "consent": (
        {"column": "Opt In", "allow": [True]},
        {"column": ["Mail", "SMS"], "allow": ["yes", 1, ""], "scope": "identifiers", "key": "id"},
    ),
}
WRONG: dict[str, tuple[object, ...]] = {
    "id": (7, "", " 7", "a/b"),
    "description": ("", "two\nlines", "x" * 501, None),
    "retention_days": (0, -1, 10_000, "30", True, 1.5),
    "customer_file_source": ("", "user_provided_only", 1),
    "value_based": ("true", 1, None),
    "opt_out_link": ("http://example.com", "example.com", "https://", "https://a b"),
    "limited_data_use": (
        "true",
        {"country": 1},
        {"country": 1, "state": 1},
        [1, 1000],
        {"country": True, "state": 0},
    ),
    "shared": ("yes", 0),
    "guard": (True, {"empty": "go"}, {"leave": 30}, {"leave": "101%"}, {"leave": "30"}, {"left": "30%"}, ["30%"]),
    "consent": (
        True,
        {},
        {"column": "Opt In"},
        {"column": "Opt In", "allow": []},
        {"column": "Opt In", "allow": [1.5]},
        {"column": "Opt In", "allow": [True], "scope": "everybody"},
        {"column": "Opt In", "allow": [True], "columns": "SMS"},
    ),
}


@each_platform
def test_the_schema_is_that_of_the_declarations(platform: Platform) -> None:
    """The file in docs/schemas is what the options give; delete it and run this test to have it written anew."""
    path = SCHEMAS / f"audience.{platform.name}.schema.json"
    text = json.dumps(audience_schema(platform.title, platform.audience_options), indent=2, ensure_ascii=False)
    if not path.exists():
        path.write_text(f"{text}\n")
        pytest.fail(f"{path.name} was missing and is written now")
    assert path.read_text() == f"{text}\n"


@each_platform
@pytest.mark.parametrize("name", FITTING)
def test_schema_and_reader_agree(platform: Platform, name: str) -> None:
    """What the reader takes the schema takes, and what it refuses the schema refuses."""
    validator = Draft202012Validator(audience_schema(platform.title, platform.audience_options))
    has = name in {one.name for one in platform.audience_options}
    for value in (*FITTING[name], *WRONG[name]):
        given = {name: value, "$schema": "audience.schema.json"}
        fits = has and value in FITTING[name] and type(value) in {type(one) for one in FITTING[name]}
        assert (option_mistakes(platform.audience_options, given) == {}) is fits, value
        assert validator.is_valid(given) is fits, value


@each_platform
def test_a_platform_that_is_told_of_consent_has_a_key_for_it(platform: Platform) -> None:
    """Schema and reader take it of such a platform alone: another would not be told."""
    told = replace(platform, consent_signals=(ConsentSignal("data", ("GRANTED", "DENIED"), "Data."),))
    for status, fits in (("DENIED", True), ("MAYBE", False)):
        given = {"consent": {"column": "ok", "allow": [True], "tell": {platform.name: {"data": status}}}}
        assert (option_mistakes(told.audience_options, given) == {}) is fits
        assert Draft202012Validator(audience_schema("", told.audience_options)).is_valid(given) is fits
        assert option_mistakes(platform.audience_options, given)
        assert not Draft202012Validator(audience_schema("", platform.audience_options)).is_valid(given)


@each_platform
def test_the_page_has_every_option(platform: Platform) -> None:
    """Each option is in the table, with the platform and the days that it takes."""
    text = (SCHEMAS.parent / "audience_options.md").read_text()
    lines = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    for option in platform.audience_options:
        platforms_named = lines[option.name].split("|")[2]
        assert platform.title.split()[0] in platforms_named or platforms_named.strip() == "all"
        assert option.meaning.endswith(".")
        if isinstance(option, IntegerOption):
            assert f"{platform.title.split()[0]} ({option.low} to {option.high})" in platforms_named


def test_what_is_read_is_shown_again() -> None:
    """A receipt shows options as they were said, shares as numbers."""
    given: dict[str, Any] = {name: values[0] for name, values in FITTING.items()}
    given["guard"] = {"empty": "allow", "leave": "12.5%"}
    found = read_options(given)
    assert found == AudienceOptions(
        audience_id="23860000000000101",
        description="Best customers",
        retention_days=1,
        customer_file_source="USER_PROVIDED_ONLY",
        value_based=True,
        opt_out_link="https://example.com/out?of=it",
        limited_data_use=LimitedDataUse(),
        shared=True,
        guard=GuardOptions("allow", 0.125),
        consent=read_rule({"column": "Opt In", "allow": [True]}),
    )
    shown = shown_options(found)
    assert shown.pop("consent") == written(found.consent)
    del given["consent"]
    assert shown == given | {"guard": {"empty": "allow", "leave": 0.125}}
    assert read_options({"limited_data_use": False, "value_based": False}) == NO_OPTIONS
    assert shown_options(NO_OPTIONS) == {}
