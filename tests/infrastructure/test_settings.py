"""The settings: what they default to, and that every mistake is reported at once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from stacks.packaging import ROOT
from stacks.settings import (
    ConnectorSettings,
    Retention,
    Settings,
    SettingsError,
    Wheels,
    platforms,
    read_settings,
)

PLATFORMS = ("meta", "tiktok")


def read(given: object, **flags: str) -> Settings:
    """Read settings as the CDK command would hand them over, with flags of its command line."""
    values: Mapping[str, Any] = {"audience_activation": given, **flags}
    return read_settings(values.get, PLATFORMS)


def mistakes(given: object) -> list[str]:
    """Give what is wrong with settings that are wrong."""
    with pytest.raises(SettingsError) as caught:
        read(given)
    return caught.value.mistakes


def test_a_connector_is_one_line() -> None:
    """A name and a platform are enough; everything else has a default."""
    settings = read({"connectors": [{"name": "meta", "platform": "meta"}]})
    (connector,) = settings.connectors
    assert (settings.name, settings.removal) == ("audience-activation", "retain")
    assert (settings.wheels.architecture, settings.wheels.python, settings.wheels.system) == (
        "arm64",
        "3.13",
        "linux",
    )
    assert settings.retention.archive_days == 365
    assert (connector.account, connector.default_country, connector.requests_in_flight) == ("", "", None)
    assert connector.timeout_s <= 300
    assert connector.max_concurrency >= 2


def test_the_committed_settings_are_right() -> None:
    """The settings in this tree are accepted with the platforms in this tree."""
    context = json.loads((ROOT / "cdk.context.json").read_text())
    known = platforms(ROOT)
    assert {connector.platform for connector in read_settings(context.get, known).connectors} <= set(known)


def test_every_mistake_is_reported_at_once_and_names_its_key() -> None:
    """One run of synth shows all there is to correct."""
    found = mistakes(
        {
            "name": "My App",
            "removal": "perhaps",
            "log_level": "LOUD",
            "colour": "blue",
            "wheels": {"architecture": "sparc", "python": 3.13, "system": "windows", "glibc": "2.28"},
            "retention": {
                "drops_days": "30",
                "logs_days": 31,
                "archive_days": 0,
                "ledger_days": 9,
                "rejects_days": 1,
            },
            "connectors": [
                {"platform": "meta"},
                {"name": "Meta EU", "platform": "myspace"},
                {
                    "name": "meta",
                    "platform": "meta",
                    "account": 17,
                    "default_country": "de",
                    "requests_in_flight": True,
                    "max_concurrency": 1,
                    "memory_mb": 64,
                    "timeout_s": 900,
                    "deadline_hours": 0,
                    "placeholders": "test@test.com",
                    "encoding": "morse",
                    "delimiter": "comma",
                    "alarm_email": "nobody",
                    "secret": "not here",
                },
                "meta",
            ],
        }
    )
    keys = {sentence.split(": ")[0].removeprefix("audience_activation.") for sentence in found}
    assert keys == {
        "name", "removal", "log_level", "colour",
        "wheels.architecture", "wheels.python", "wheels.system", "wheels.glibc",
        "retention.drops_days", "retention.logs_days", "retention.archive_days", "retention.ledger_days",
        "retention.rejects_days",
        "connectors[0].name",
        "connectors[1].name", "connectors[1].platform",
        "connectors[2].account", "connectors[2].default_country", "connectors[2].requests_in_flight",
        "connectors[2].max_concurrency", "connectors[2].memory_mb", "connectors[2].timeout_s",
        "connectors[2].deadline_hours", "connectors[2].placeholders", "connectors[2].alarm_email",
        "connectors[2].encoding", "connectors[2].delimiter",
        "connectors[2].secret",
        "connectors[3]", "connectors[3].name", "connectors[3].platform",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "key"),
    [
        (None, "audience_activation"),
        ({}, "audience_activation.connectors"),
        ({"connectors": []}, "audience_activation.connectors"),
        ({"connectors": {"meta": {}}}, "audience_activation.connectors"),
    ],
)
def test_nothing_to_do_is_a_mistake(given: object, key: str) -> None:
    """An app without a connector is not deployed by accident."""
    assert any(sentence.startswith(f"{key}: ") for sentence in mistakes(given))


@pytest.mark.parametrize("second", ["meta", "me-ta"])
def test_names_must_differ_by_more_than_hyphens(second: str) -> None:
    """Two connectors cannot end up with one name in the outputs."""
    (found,) = mistakes(
        {"connectors": [{"name": "meta", "platform": "meta"}, {"name": second, "platform": "tiktok"}]}
    )
    assert found.startswith("audience_activation.connectors[1].name: ")


def test_a_replay_never_finds_a_forgotten_drop() -> None:
    """The ledger must remember a run for as long as its drop can still be read."""
    retention = {"drops_days": 60, "noncurrent_drops_days": 31, "ledger_days": 90}
    (found,) = mistakes({"connectors": [{"name": "meta", "platform": "meta"}], "retention": retention})
    assert found.startswith("audience_activation.retention.ledger_days: ")
    assert "91" in found


def test_a_drop_outlives_its_deadline() -> None:
    """A run may not wait longer than its drop exists."""
    connector = {"name": "meta", "platform": "meta", "deadline_hours": 49}
    (found,) = mistakes({"connectors": [connector], "retention": {"drops_days": 2}})
    assert found.startswith("audience_activation.connectors[0].deadline_hours: ")


def test_a_function_has_room_for_its_requests() -> None:
    """A request that a function cannot hold would end every one of its invocations."""
    connector = {"name": "tiktok", "platform": "tiktok", "max_mb_per_request": 250, "memory_mb": 512}
    (found,) = mistakes({"connectors": [connector]})
    assert found == "audience_activation.connectors[0].max_mb_per_request: needs a memory_mb of 753 or more"
    (kept,) = read({"connectors": [connector | {"memory_mb": 753}]}).connectors
    assert kept.max_mb_per_request == 250


def test_flags_of_the_command_line_win() -> None:
    """`-c wheels_python=3.11` changes one synth without touching the file."""
    given = {"connectors": [{"name": "meta", "platform": "meta"}], "wheels": {"python": "3.13"}}
    settings = read(
        given,
        wheels_python="3.11",
        wheels_architecture="x86_64",
        wheels_system="macos",
        removal="destroy",
        name="copy",
    )
    assert (settings.name, settings.removal) == ("copy", "destroy")
    assert (settings.wheels.architecture, settings.wheels.python, settings.wheels.system) == (
        "x86_64",
        "3.11",
        "macos",
    )
    assert given["wheels"] == {"python": "3.13"}


def test_a_flag_over_a_mistake_is_a_mistake_too() -> None:
    """A section that is no object is reported, not crashed on."""
    with pytest.raises(SettingsError) as caught:
        read({"connectors": [{"name": "meta", "platform": "meta"}], "wheels": "arm64"}, wheels_python="3.11")
    assert caught.value.mistakes == ["audience_activation.wheels: must be an object"]


def test_a_platform_is_a_folder_with_a_handler_and_a_publisher(tmp_path: Path) -> None:
    """Adding a platform needs no list to be extended."""
    for path in ("meta/handler.py", "meta/publisher.py", "ci360/handler.py", "notes/README.md"):
        (tmp_path / "lambdas" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lambdas" / path).touch()
    assert platforms(tmp_path) == ("meta",)


def test_every_setting_is_documented() -> None:
    """The table of settings has a line for each field there is, and none for one there is not."""
    page = (ROOT / "stacks" / "README.md").read_text().partition("## Settings")[2]
    table = set(re.findall(r"^\| `([\w.\[\]]+)` \|", page, re.MULTILINE))
    sections = {"wheels.": Wheels, "retention.": Retention, "connectors[].": ConnectorSettings, "": Settings}
    assert table == {
        f"{prefix}{field.name}"
        for prefix, section in sections.items()
        for field in fields(section)
        if f"{field.name}." not in sections and f"{field.name}[]." not in sections
    }
