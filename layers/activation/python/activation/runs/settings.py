"""A connector function's settings, read once from its environment at cold start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from activation.aws.environment import Environment
from activation.drops.sources import BucketSource, Origins
from activation.errors import ConfigError
from activation.identifiers.row_rules import KNOWN, read_rule
from activation.identifiers.table import Context
from activation.mirror.guard import Guard
from activation.platforms.options import Option, Value, problems
from activation.row_rule import NO_RULE, RowRule

KEEP_PHONES = "keep"
DELIMITERS = {"tab": "\t"}  # those that the settings call by a name


@dataclass(frozen=True)
class FolderTimes:
    """How long folders are waited for, in seconds.

    `quiet_s` is how long nothing has to arrive in a folder to close it, 0 where only signs do. `late_s` is how
    long a file that came after its folder was closed waits for another sign. A folder open for `open_s` is
    reported.
    """

    quiet_s: int = 0
    late_s: int = 15 * 60
    open_s: int = 6 * 3600


@dataclass(frozen=True)
class FunctionSettings:
    """The settings that the template gives the function: names, addresses and numbers, never a secret.

    `connector` is its name and `secret_arn` the ARN of its secret. `drops_bucket`, `receipts_bucket`,
    `mirrors_bucket` and `ledger_table` are names, `queue_url` and `dead_letter_queue_url` URLs; `event_bus_name`
    is the app's bus. `expected_account` is the ad account that the secret must be for, "" for any; `accounts`
    are further ones that a drop may name, or the one word `any`.
    `requests_in_flight` is 0 for the platform's own. `deadline_s` is how many seconds a run may take from its
    first message, without the time it waits for an audience's lock. `ledger_ttl_days` is how long a finished run
    is remembered, so how long a replay of it does nothing. `context` is how cells are read. `max_rows_per_request`
    and `max_bytes_per_request` are 0 for the platform's own. A file above `split_above_bytes` is split among up to
    `max_parts` workers; 0 bytes split none. `encoding` and `delimiter` are declared for the connector's delimited
    files, "" where they are detected. `options` are the platform's options that the settings mention, `columns`
    what they say of the files' columns (see identifiers/column_map.py). `consent` and `operation` say which rows
    may be sent. `actions` are those that drops may ask for, none for all of the platform's. `any_endpoint` lets
    the secret name another server than the platform's. `audiences` are what the settings say of audiences, by
    name. `sources` are the buckets of other owners that drops are read from as well. `folders` says how long
    folders are waited for. `guard` says what a mirror may do unasked. `deletes_final_drops` says that a drop in
    the app's own bucket is deleted once its run is final. `shared_phones` is "keep" where a row of which only the
    phone is on a suppression list is sent without it, "" where the row is not sent. `expected` are the audiences
    whose drops the watch misses when they do not come.
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
    allow_weak: bool = False
    options: Mapping[str, Value] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    consent: RowRule = NO_RULE
    operation: RowRule = NO_RULE
    actions: tuple[str, ...] = ()
    audiences: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    any_endpoint: bool = False
    folders: FolderTimes = FolderTimes()
    sources: tuple[BucketSource, ...] = ()
    mirrors_bucket: str = ""
    guard: Guard = field(default_factory=Guard)
    deletes_final_drops: bool = False
    shared_phones: str = ""
    accounts: tuple[str, ...] = ()
    expected: frozenset[str] = frozenset()

    @property
    def origins(self) -> Origins:
        """Return where the connector's drops may be."""
        return Origins(self.connector, self.drops_bucket, self.sources)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> FunctionSettings:
        """Read the settings; raises ConfigError naming every variable that is missing or unreadable."""
        reader = Environment(environment)
        delimiter = reader.text("DELIMITER", "")
        settings = cls(
            connector=reader.text("CONNECTOR"),
            secret_arn=reader.text("SECRET_ARN"),
            drops_bucket=reader.text("DROPS_BUCKET"),
            receipts_bucket=reader.text("RECEIPTS_BUCKET"),
            ledger_table=reader.text("LEDGER_TABLE"),
            mirrors_bucket=reader.text("MIRRORS_BUCKET"),
            queue_url=reader.text("QUEUE_URL"),
            dead_letter_queue_url=reader.text("DEAD_LETTER_QUEUE_URL"),
            event_bus_name=reader.text("EVENT_BUS_NAME"),
            expected_account=reader.text("EXPECTED_ACCOUNT", ""),
            accounts=tuple(reader.texts("ACCOUNTS")),
            expected=frozenset(reader.texts("EXPECTED")),
            requests_in_flight=reader.whole("REQUESTS_IN_FLIGHT", 0),
            deadline_s=reader.whole("DEADLINE_S", 3 * 86_400),
            ledger_ttl_days=reader.whole("LEDGER_TTL_DAYS", 400),
            context=Context(
                reader.text("DEFAULT_COUNTRY", "").upper(),
                frozenset(reader.texts("PLACEHOLDERS")),
                reader.text("DATE_ORDER", ""),
                reader.text("TIME_ZONE", ""),
            ),
            max_rows_per_request=reader.whole("MAX_ROWS_PER_REQUEST", 0),
            max_bytes_per_request=reader.whole("MAX_BYTES_PER_REQUEST", 0),
            split_above_bytes=reader.whole("SPLIT_ABOVE_BYTES", cls.split_above_bytes),
            max_parts=reader.whole("MAX_PARTS", cls.max_parts),
            encoding=reader.text("ENCODING", ""),
            delimiter=DELIMITERS.get(delimiter, delimiter),
            allow_weak=reader.whole("ALLOW_WEAK", 0) == 1,
            options=reader.mapping("OPTIONS"),
            columns=reader.mapping("COLUMN_MAP"),
            consent=_rule(reader, "CONSENT"),
            operation=_rule(reader, "OPERATION"),
            actions=tuple(reader.texts("ACTIONS")),
            audiences=_audiences(reader),
            any_endpoint=reader.whole("ANY_ENDPOINT", 0) == 1,
            folders=FolderTimes(
                quiet_s=reader.whole("FOLDER_QUIET_S", FolderTimes.quiet_s),
                late_s=reader.whole("LATE_PART_S", FolderTimes.late_s),
                open_s=reader.whole("FOLDER_OPEN_S", FolderTimes.open_s),
            ),
            sources=_sources(reader),
            guard=_guard(reader),
            deletes_final_drops=reader.whole("DELETE_FINAL_DROPS", 0) == 1,
            shared_phones=reader.text("SHARED_PHONES", ""),
        )
        reader.finish()
        return settings


def _rule(reader: Environment, name: str) -> RowRule:
    """Read which rows may be sent; a rule that cannot be read is a mistake, never no rule."""
    given = reader.mapping(name)
    try:
        rule = read_rule(given) if given.keys() <= set(KNOWN) else NO_RULE
    except ValueError:  # a scope that a later release may know
        rule = NO_RULE
    if given and not (rule and rule.allow):
        reader.wrong(name)
    return rule


def _audiences(reader: Environment) -> dict[str, dict[str, Any]]:
    """Read what is said of audiences; what is not an object is a mistake, never nothing said."""
    given = reader.mapping("AUDIENCES")
    if not all(isinstance(one, dict) for one in given.values()):
        reader.wrong("AUDIENCES")
        return {}
    return given


def _guard(reader: Environment) -> Guard:
    """Read what a mirror may do unasked; what cannot be read is a mistake, never no guard."""
    try:
        return msgspec.convert(reader.mapping("GUARD"), Guard)
    except msgspec.ValidationError:
        reader.wrong("GUARD")
        return Guard()


def _sources(reader: Environment) -> tuple[BucketSource, ...]:
    """Read the sources; one that cannot be read is a mistake, never no source."""
    given = reader.parsed("SOURCES", [])
    try:
        return msgspec.convert(given, tuple[BucketSource, ...])
    except msgspec.ValidationError:
        reader.wrong("SOURCES")
        return ()


def check_options(options: Sequence[Option], given: Mapping[str, Value]) -> None:
    """Raise ConfigError naming every option that the platform does not have or that has an unusable value."""
    if found := problems(options, given):
        listed = "; ".join(f"{name} {problem}" for name, problem in found.items())
        raise ConfigError("bad_environment", f"OPTIONS: {listed}")
