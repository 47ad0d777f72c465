"""A connector function's settings, read once from its environment at cold start."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from activation.errors import ConfigError
from activation.identifiers.table import Context
from activation.platforms.options import Option, Value, problems

DELIMITERS = {"tab": "\t"}  # those that have a name


@dataclass(frozen=True)
class ConnectorSettings:
    """What the template tells the function; names and addresses only, never a secret.

    `expected_account` is "" or the ad account the secret must be for. `requests_in_flight`,
    `max_rows_per_request` and `max_bytes_per_request` are 0 for the platform's own. `deadline_s` is how long a run
    may take from its first message to its end, waits included but those for an audience's turn. `ledger_ttl_days`
    is how long a finished run is remembered, so how long a replay is a no-op. A file above `split_above_bytes` is
    shared out among as many as `max_parts` workers; 0 bytes mean that none is. `encoding` and `delimiter` are what
    the connector's delimited files are declared to have, "" where nothing is declared. `options` are those of the
    platform that the settings mention.
    """

    connector: str
    secret_arn: str
    drops_bucket: str
    receipts_bucket: str
    ledger_table: str
    queue_url: str
    dead_letter_queue_url: str
    event_bus_name: str
    expected_account: str
    requests_in_flight: int
    deadline_s: int
    ledger_ttl_days: int
    context: Context
    max_rows_per_request: int = 0
    max_bytes_per_request: int = 0
    split_above_bytes: int = 256 * 1024 * 1024
    max_parts: int = 8
    encoding: str = ""
    delimiter: str = ""
    options: Mapping[str, Value] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ConnectorSettings:
        """Read the settings; raises ConfigError naming every variable that is missing or unreadable."""
        required = (
            "CONNECTOR",
            "SECRET_ARN",
            "DROPS_BUCKET",
            "RECEIPTS_BUCKET",
            "LEDGER_TABLE",
            "QUEUE_URL",
            "DEAD_LETTER_QUEUE_URL",
            "EVENT_BUS_NAME",
        )
        wrong = [name for name in required if not environment.get(name)]
        numbers = {
            "REQUESTS_IN_FLIGHT": 0,
            "MAX_ROWS_PER_REQUEST": 0,
            "MAX_BYTES_PER_REQUEST": 0,
            "DEADLINE_S": 3 * 86_400,
            "LEDGER_TTL_DAYS": 400,
            "SPLIT_ABOVE_BYTES": cls.split_above_bytes,
            "MAX_PARTS": cls.max_parts,
        }
        for name in numbers:
            text = environment.get(name, "")
            if text.isdecimal():
                numbers[name] = int(text)
            elif text:
                wrong.append(name)
        placeholders = _texts(environment.get("PLACEHOLDERS", ""))
        if placeholders is None:
            wrong.append("PLACEHOLDERS")
        options = _options(environment.get("OPTIONS", ""))
        if options is None:
            wrong.append("OPTIONS")
        if wrong or placeholders is None or options is None:
            raise ConfigError("bad_environment", f"missing or unreadable: {', '.join(wrong)}")
        return cls(
            connector=environment["CONNECTOR"],
            secret_arn=environment["SECRET_ARN"],
            drops_bucket=environment["DROPS_BUCKET"],
            receipts_bucket=environment["RECEIPTS_BUCKET"],
            ledger_table=environment["LEDGER_TABLE"],
            queue_url=environment["QUEUE_URL"],
            dead_letter_queue_url=environment["DEAD_LETTER_QUEUE_URL"],
            event_bus_name=environment["EVENT_BUS_NAME"],
            expected_account=environment.get("EXPECTED_ACCOUNT", ""),
            requests_in_flight=numbers["REQUESTS_IN_FLIGHT"],
            deadline_s=numbers["DEADLINE_S"],
            ledger_ttl_days=numbers["LEDGER_TTL_DAYS"],
            context=Context(environment.get("DEFAULT_COUNTRY", "").upper(), frozenset(placeholders)),
            max_rows_per_request=numbers["MAX_ROWS_PER_REQUEST"],
            max_bytes_per_request=numbers["MAX_BYTES_PER_REQUEST"],
            split_above_bytes=numbers["SPLIT_ABOVE_BYTES"],
            max_parts=numbers["MAX_PARTS"],
            encoding=environment.get("ENCODING", ""),
            delimiter=DELIMITERS.get(environment.get("DELIMITER", ""), environment.get("DELIMITER", "")),
            options=options,
        )


def check_options(options: Sequence[Option], given: Mapping[str, Value]) -> None:
    """Raise ConfigError naming every option that the platform does not have or that has an unusable value."""
    if found := problems(options, given):
        listed = "; ".join(f"{name} {problem}" for name, problem in found.items())
        raise ConfigError("bad_environment", f"OPTIONS: {listed}")


def _options(text: str) -> dict[str, Value] | None:
    """Read a JSON object; "" is an empty one, None says that it is something else."""
    if not text:
        return {}
    try:
        values = json.loads(text)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def _texts(text: str) -> list[str] | None:
    """Read a JSON list of texts; "" is an empty one, None says that it is something else."""
    if not text:
        return []
    try:
        values = json.loads(text)
    except ValueError:
        return None
    if isinstance(values, list) and all(isinstance(value, str) for value in values):
        return values
    return None
