"""The settings of the app: what they default to, and that every mistake is reported at once."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import pytest
from activation.platforms.discovery import platforms

from stacks.connector_settings import ConnectorSettings
from stacks.doctor_settings import DoctorSettings
from stacks.existing import StorageSettings
from stacks.packaging import ROOT
from stacks.retention_settings import Retention
from stacks.settings import (
    Settings,
    SettingsError,
    Wheels,
    read_settings,
)
from stacks.source_settings import SourceSettings
from stacks.suppression_settings import SuppressionSettings
from stacks.sync.settings import SyncSettings
from tests.infrastructure.settings_read import mistakes, read


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
    known = platforms()
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
                    "date_order": "mm/dd/yyyy",
                    "requests_in_flight": True,
                    "max_concurrency": 1,
                    "memory_mb": 64,
                    "timeout_s": 900,
                    "deadline_hours": 0,
                    "reject_percent": 101,
                    "expects": [
                        {"audience": "a/b", "by": "25:00", "time_zone": "Berlin"},
                        {"audience": "VIP"},
                    ],
                    "placeholders": "test@test.com",
                    "encoding": "morse",
                    "delimiter": "comma",
                    "alarm_email": "nobody",
                    "options": {"access_tier": "gold", "colour": "blue"},
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
        "connectors[2].account", "connectors[2].default_country", "connectors[2].date_order",
        "connectors[2].requests_in_flight",
        "connectors[2].max_concurrency", "connectors[2].memory_mb", "connectors[2].timeout_s",
        "connectors[2].reject_percent", "connectors[2].expects[0].audience", "connectors[2].expects[0].by",
        "connectors[2].expects[0].time_zone", "connectors[2].expects[0].every_hours",
        "connectors[2].expects[1].every_hours",
        "connectors[2].deadline_hours", "connectors[2].placeholders", "connectors[2].alarm_email",
        "connectors[2].encoding", "connectors[2].delimiter",
        "connectors[2].options.access_tier", "connectors[2].options.colour",
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


META = {"name": "meta", "platform": "meta"}


@pytest.mark.parametrize(
    "alarms",
    [
        "none",
        "ops@example.com",
        "arn:aws:sns:eu-central-1:111122223333:ops",
        "arn:aws-cn:sns:cn-north-1:111122223333:a",
    ],
)
def test_somebody_is_told_or_nobody(alarms: str) -> None:
    """An address, a topic or the word none are accepted."""
    assert read({"connectors": [META], "alarms": alarms}).alarms == alarms


@pytest.mark.parametrize(
    "alarms", ["", "nobody", "arn:aws:sqs:eu-central-1:111122223333:ops", True, ["ops@example.com"]]
)
def test_anything_else_tells_nobody(alarms: object) -> None:
    """What is none of the three is a mistake, not an alarm without a listener."""
    (found,) = mistakes({"connectors": [META], "alarms": alarms})
    assert found.startswith("audience_activation.alarms: ")


def test_a_topic_has_to_be_where_the_stream_s_alarms_are() -> None:
    """An alarm publishes in its own region only, so realms elsewhere need an address.

    The page on PutMetricAlarm does not say so; what CloudWatch answers is in
    https://github.com/cds-snc/notification-terraform/pull/128, read 2026-11-30.
    """
    topic = "arn:aws:sns:eu-west-1:111122223333:ops"
    stream = {"datasets": ["sp-traffic"], "realms": ["NA", "EU"]}
    (found,) = mistakes({"connectors": [META], "alarms": topic, "marketing_stream": stream})
    assert found.startswith("audience_activation.alarms: ")
    assert "us-east-1" in found
    mailed = {**stream, "alarm_email": "ops@example.com"}
    assert read({"connectors": [META], "alarms": topic, "marketing_stream": mailed}).alarms == topic


def test_the_shipped_settings_leave_it_to_the_user_who_is_told() -> None:
    """The file names neither an address nor nobody, so that whoever deploys has to decide."""
    shipped = json.loads((ROOT / "cdk.context.json").read_text())["audience_activation"]
    assert "alarms" not in shipped
    assert "alarm_email" not in json.dumps(shipped)


@pytest.mark.parametrize("second", ["meta", "me-ta"])
def test_names_must_differ_by_more_than_hyphens(second: str) -> None:
    """Two connectors cannot end up with one name in the outputs."""
    (found,) = mistakes(
        {"connectors": [{"name": "meta", "platform": "meta"}, {"name": second, "platform": "tiktok"}]}
    )
    assert found.startswith("audience_activation.connectors[1].name: ")


@pytest.mark.parametrize(
    ("retention", "at_least"),
    [
        ({"drops_days": 60, "noncurrent_drops_days": 31, "ledger_days": 90, "archive_days": 90}, 91),
        ({"archive_days": 365, "ledger_days": 90}, 365),
        ({"archive_days": 1, "drops_days": 5, "ledger_days": 13}, 14),
    ],
    ids=["drop", "archived event", "dead letter"],
)
def test_a_replay_never_finds_a_forgotten_run(retention: dict[str, int], at_least: int) -> None:
    """The ledger remembers a run for as long as its drop, its event or its dead letter is kept."""
    (found,) = mistakes({"connectors": [{"name": "meta", "platform": "meta"}], "retention": retention})
    assert found.startswith("audience_activation.retention.ledger_days: ")
    assert f"({at_least})" in found
    read(
        {"connectors": [{"name": "meta", "platform": "meta"}], "retention": retention | {"ledger_days": at_least}}
    )


def test_a_drop_outlives_its_deadline() -> None:
    """A run may not wait longer than its drop exists."""
    connector = {"name": "meta", "platform": "meta", "deadline_hours": 49}
    (found,) = mistakes({"connectors": [connector], "retention": {"drops_days": 2}})
    assert found.startswith("audience_activation.connectors[0].deadline_hours: ")


@pytest.mark.parametrize(("system", "refused"), [("linux", True), ("linux-laptop", False), ("macos", False)])
def test_a_python_that_cannot_load_arrow_is_refused(system: str, refused: bool) -> None:
    """Lambda runs Python 3.11 on Amazon Linux 2, whose glibc is older than Arrow's wheels need; a laptop does not.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, read 2026-11-22
    """
    given = {"connectors": [{"name": "meta", "platform": "meta"}], "wheels": {"python": "3.11", "system": system}}
    if not refused:
        assert read(given).wheels.python == "3.11"
        return
    (found,) = mistakes(given)
    assert found.startswith("audience_activation.wheels.python: 3.11 runs on Amazon Linux 2")


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


def test_every_setting_is_documented() -> None:
    """The table of settings has a line for each field there is, and none for one there is not."""
    page = (ROOT / "stacks" / "README.md").read_text().partition("## Settings")[2]
    table = set(re.findall(r"^\| `([\w.\[\]]+)` \|", page, re.MULTILINE))
    sections: dict[str, Any] = {
        "wheels.": Wheels,
        "retention.": Retention,
        "connectors[].": ConnectorSettings,
        "sources[].": SourceSettings,
        "storage.": StorageSettings,
        "doctor.": DoctorSettings,
        "suppressions.": SuppressionSettings,
        "sync.": SyncSettings,
        "": Settings,
    }
    named = {
        f"{prefix}{field.name}"
        for prefix, section in sections.items()
        for field in fields(section)
        if f"{field.name}." not in sections and f"{field.name}[]." not in sections
    }
    secret = {f"connectors[].{name}" for name in ("secret_arn", "ssm_parameter", "secret_key_arn")}
    derived = {
        "connectors[].secret",
        "connectors[].replaces",
        "sync.sources",
    }  # from several settings, under no name of their own
    assert table == named - derived | secret
