"""`activation explain`, as people and scripts call it."""

from __future__ import annotations

import hashlib
import json

import pytest
from typer.testing import CliRunner, Result

from cli.__main__ import app

HASH = hashlib.sha256(b"anna@example.org").hexdigest()


def explain(*args: str, lines: list[dict[str, object]] | None = None) -> Result:
    """Run the command."""
    text = "".join(json.dumps(line) + "\n" for line in lines or [])
    return CliRunner().invoke(app, ["explain", *args], input=text)


def test_each_line_in_gives_one_line_out() -> None:
    """Lines keep their order and their field's name; the verdict says how the value travels."""
    done = explain(
        "--platform",
        "meta",
        "--jsonl",
        lines=[
            {"field": "EMAIL", "raw": " Anna@Example.org"},
            {"field": "email", "raw": HASH.upper(), "declared": "hashed"},
            {"field": "EMAIL", "raw": HASH},
            {"field": "EXTERN_ID", "raw": "Crm 1"},
            {"field": "PHONE", "raw": None},
            {"field": "SHOE_SIZE", "raw": "44"},
            {"field": "DOBY", "raw": 1985},
        ],
    )
    assert done.exit_code == 0
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found[0] == {
        "field": "EMAIL",
        "verdict": "hashed",
        "normalized": "anna@example.org",
        "sent": HASH,
        "sha256": HASH,
        "reason": None,
    }
    assert [(one["field"], one["verdict"], one["reason"]) for one in found[1:]] == [
        ("email", "prehashed", None),
        ("EMAIL", "rejected", "looks_hashed"),
        ("EXTERN_ID", "plain", None),
        ("PHONE", "rejected", "blank"),
        ("SHOE_SIZE", "rejected", "unknown_field"),
        ("DOBY", "hashed", None),
    ]
    assert found[1]["sent"] == HASH
    assert (found[3]["sent"], found[3]["sha256"]) == ("Crm 1", None)


def test_lone_surrogates_on_standard_input_are_answered() -> None:
    """A line may escape half a character; it is refused with its code."""
    done = CliRunner().invoke(
        app, ["explain", "--platform", "meta", "--jsonl"], input='{"field": "FN", "raw": "a\\ud800"}\n'
    )
    assert json.loads(done.stdout)["reason"] == "bad_unicode"


def test_a_person_sees_the_way_of_one_value() -> None:
    """The table shows the raw, the normalised and the sent value, the rule and its source."""
    done = explain("--platform", "meta", "--field", "PHONE", "+39 06 1234 5678")
    assert done.exit_code == 0
    for part in ("+39 06 1234 5678", "390612345678", "rule", "https://developers.facebook.com"):
        assert part in done.stdout


def test_a_rejected_value_exits_1_and_says_why() -> None:
    """The answer is no: exit 1, with the code and its sentence."""
    done = explain("--platform", "tiktok", "--field", "phone", "020 7946 0123")
    assert done.exit_code == 1
    assert "phone_no_country" in done.stdout


def test_options_reach_the_rule() -> None:
    """The default country, the declaration and the other API are taken into account."""
    british = explain(
        "--platform", "tiktok", "--field", "phone", "--json", "--default-country", "gb", "020 7946 0123"
    )
    assert json.loads(british.stdout)["normalized"] == "+442079460123"
    declared = explain("--platform", "meta", "--field", "EMAIL", "--json", "--declared", "hashed", HASH)
    assert json.loads(declared.stdout)["verdict"] == "prehashed"
    event = explain("--platform", "meta", "--api", "capi", "--field", "db", "--json", "2/16/1997")
    assert json.loads(event.stdout)["normalized"] == "19970216"


@pytest.mark.parametrize(
    "args",
    [
        ("--platform", "myspace", "--jsonl"),
        ("--platform", "../meta", "--jsonl"),
        ("--platform", "meta", "--api", "smtp", "--jsonl"),
        ("--platform", "tiktok", "--api", "capi", "--jsonl"),
        ("--platform", "meta", "--field", "SHOE_SIZE", "44"),
        ("--platform", "meta", "--field", "EMAIL"),
        ("--platform", "meta", "--field", "EMAIL", "--declared", "maybe", "x"),
        ("--platform", "meta", "--default-country", "UK", "--field", "PHONE", "1"),
    ],
)
def test_usage_errors_exit_2_and_print_nothing(args: tuple[str, ...]) -> None:
    """What the command does not offer is a usage error on standard error."""
    done = explain(*args)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr
