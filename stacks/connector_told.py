"""What the command must know of the deployed app where cdk.context.json is not, for the outputs of its stack."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from activation.identifiers.column_map import ENCODING_METADATA
from activation.identifiers.row_rules import written
from activation.platforms.discovery import platforms

from stacks.connector_settings import ConnectorSettings, read_connector
from stacks.context import Reader
from stacks.names import NOBODY
from stacks.source_settings import SourceSettings

if TYPE_CHECKING:
    from stacks.settings import Settings

# How a file is read, what is sent at once, what it costs, and what `activation secret set` and `status` compare.
TOLD = frozenset(
    {
        "account", "actions", "allow_weak", "audiences", "columns", "consent", "date_order", "default_country",
        "delimiter", "encoding", "folder_quiet_minutes", "max_mb_per_request", "max_rows_per_request", "memory_mb",
        "operation", "options", "placeholders", "requests_in_flight", "time_zone",
    }
)  # fmt: skip
# What no command asks for: it is other outputs' to say, follows from the rest, or is the deployment's alone.
NOT_TOLD = frozenset(
    {
        "accounts", "alarm_email", "deadline_hours", "droppers", "expects", "folder_open_hours", "guard",
        "late_part_minutes",
        "max_concurrency", "max_parts", "name", "platform", "reject_percent", "replaces", "secret",
        "shared_phones", "split_above_mb", "timeout_s",
    }
)  # fmt: skip
# The page of quotas names no limit for an output's value; that of a parameter is 4,096 bytes:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html, read 2026-11-30
MOST_CHARACTERS = 4_000


def of_app(settings: Settings) -> dict[str, str | int]:
    """Return what `doctor` compares with the account: whether nobody is to be told, and how much may run at once.

    `alarms` is "none" or "", the others are numbers of functions. `own_encoding` is the object metadata by which a
    drop declares its encoding, for `activation drop --encoding`: an earlier release, which reads none, names none.
    """
    return {
        "own_encoding": ENCODING_METADATA,
        "alarms": NOBODY if settings.alarms == NOBODY else "",
        "max_concurrency": sum(one.max_concurrency for one in settings.connectors),
        "reserved_concurrency": settings.ci360.reserved_concurrency if settings.ci360 else 0,
    }


def outputs(connector: ConnectorSettings, sources: Iterable[SourceSettings]) -> Iterator[tuple[str, str]]:
    """Yield the ends of the outputs' names and their values, which joined are a JSON object; none if it is empty.

    It has the keys of the connector's settings, and `sources`, each without what is not set. In ASCII: elsewhere
    CloudFormation may change other characters of a template.
    """
    found = _told(connector)
    if listed := [_source(one) for one in sources]:
        found["sources"] = listed
    text = json.dumps(found, separators=(",", ":")) if found else ""
    for number, start in enumerate(range(0, len(text), MOST_CHARACTERS), start=1):
        yield f"Settings{number if number > 1 else ''}", text[start : start + MOST_CHARACTERS]


def _told(connector: ConnectorSettings) -> dict[str, Any]:
    rules = {"consent": written(connector.consent), "operation": written(connector.operation)}
    pairs: dict[str, Any] = {"columns": dict(connector.columns), "options": dict(connector.options)}
    pairs["audiences"] = {name: dict(options) for name, options in connector.audiences}
    every = asdict(connector) | rules | pairs
    usual = read_connector(Reader({"name": connector.name, "platform": connector.platform}, "", []), platforms())
    return {name: every[name] for name in sorted(TOLD) if getattr(connector, name) != getattr(usual, name)}


def _source(source: SourceSettings) -> dict[str, str]:
    return {name: text for name, text in asdict(source).items() if text and name != "connector"}
