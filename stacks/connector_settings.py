"""A connector's settings: its section of `cdk.context.json`, read and checked."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from activation.identifiers.row_rules import written
from activation.model import SNAPSHOTS, Action
from activation.platforms.account import ANY_ACCOUNT
from activation.platforms.options import Value
from activation.platforms.platform import Platform
from activation.row_rule import NO_RULE, RowRule

from stacks.context import Reader
from stacks.expect_settings import ExpectedDrop, read_expects
from stacks.guard_settings import USUAL_GUARD, GuardSettings, read_guard
from stacks.names import NAME, RESERVED
from stacks.platform_settings import read_actions, read_audiences, read_options
from stacks.reading_settings import (
    ENCODINGS,
    MAX_COLUMNS_BYTES,
    MAX_PLACEHOLDERS_BYTES,
    read_columns,
    read_placeholders,
    read_row_rule,
    read_time_zone,
)
from stacks.secret_settings import OWN_SECRET, SecretSettings, read_secret

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html, read 2026-11-29
DROPPER = r"arn:aws[a-z-]*:iam::\d{12}:(root|(role|user)/[\w+=,.@/-]{1,576})"


# What a function needs of memory: for itself, and for each megabyte of a request that it reads and sends. Above
# what the bench found for files of 50 MB.
FUNCTION_MB, MB_PER_REQUEST_MB = 128, 2.5
MAX_SAID_BYTES = MAX_COLUMNS_BYTES + MAX_PLACEHOLDERS_BYTES
ACCOUNT, ACCOUNT_MEANING = r"[A-Za-z0-9_:-]{1,64}", "an ad account id"
MOST_ACCOUNTS = 20
AUDIENCE_FILE = "_audience.json"  # below <connector>/<audience>/ in the drops bucket


@dataclass(frozen=True)
class ConnectorSettings:
    """One connector: a platform, an account and how hard to work for them.

    "" and None mean that nothing is configured: the account named in the secret is not compared, national phone
    numbers are unusable, a file's own dates or the default country say their order, times without a zone are
    unusable, the platform's own limits of requests in flight and of rows and bytes a request hold, nobody is
    mailed. `allow_weak` sends drops whose columns can match hardly anybody. `options` are what the platform lets a
    connector choose, by name. `columns` are what the connector's files call the fields. `consent` and `operation`
    say which rows may be sent. `folder_quiet_minutes` is how long nothing has to arrive in a folder to close it, 0
    where only signs do. `late_part_minutes` is how long a file that came too late waits for another sign. A folder
    that is open for `folder_open_hours` is reported. `secret` is where the credentials are, if not in a secret of
    the app's own. `actions` are those that its drops may ask for, none for all that the platform offers.
    A run of which `reject_percent` of the rows were rejected raises an alarm, and so does a drop of `expects` that
    does not come.
    `audiences` are the options of single audiences, by name: see activation/platforms/audience_options.py.
    `guard` says what a mirror may do unasked. `droppers` are the ARNs of principals in other accounts that may
    upload its drops. `accounts` are further ad accounts that the secret's token reaches, or the one word `any`:
    rows of a table of configurations find the connector by them. `replaces` says that drops may ask for all of an
    audience, so that who uploads them may also say what the audience is like. `shared_phones` is "keep" where a
    row of which only the phone is suppressed is sent without it, "" where it is not sent.
    """

    name: str
    platform: str
    account: str
    default_country: str
    date_order: str
    time_zone: str
    requests_in_flight: int | None
    max_rows_per_request: int | None
    max_mb_per_request: int | None
    max_concurrency: int
    memory_mb: int
    timeout_s: int
    deadline_hours: int
    split_above_mb: int
    max_parts: int
    placeholders: tuple[str, ...]
    encoding: str
    delimiter: str
    allow_weak: bool
    alarm_email: str
    options: tuple[tuple[str, Value], ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    consent: RowRule = NO_RULE
    operation: RowRule = NO_RULE
    actions: tuple[str, ...] = ()
    audiences: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    droppers: tuple[str, ...] = ()
    folder_quiet_minutes: float = 0
    late_part_minutes: float = 15
    folder_open_hours: float = 6
    secret: SecretSettings = OWN_SECRET
    guard: GuardSettings = USUAL_GUARD
    replaces: bool = False
    shared_phones: str = ""
    accounts: tuple[str, ...] = ()
    reject_percent: float = 50
    expects: tuple[ExpectedDrop, ...] = ()


def read_connector(reader: Reader, known_platforms: Mapping[str, Platform]) -> ConnectorSettings:
    """Read one connector; its mistakes are the reader's, whom the caller tells that all keys were read."""
    platform = reader.choice("platform", tuple(known_platforms))
    offered = known_platforms[platform].limits.actions if platform in known_platforms else frozenset[Action]()
    actions = read_actions(reader, platform, known_platforms)
    options = read_options(reader, platform, known_platforms)
    connector = ConnectorSettings(
        name=reader.text(
            "name",
            pattern=rf"(?=.{{1,32}}\Z){NAME}",
            meaning="up to 32 lower-case letters, digits and single hyphens, a letter first",
        ),
        platform=platform,
        account=reader.text("account", pattern=ACCOUNT, meaning=ACCOUNT_MEANING, default=""),
        default_country=reader.text(
            "default_country", pattern=r"[A-Z]{2}", meaning="an ISO 3166-1 alpha-2 code in upper case", default=""
        ),
        date_order=reader.choice("date_order", ("", "dmy", "mdy", "ymd"), default=""),
        time_zone=read_time_zone(reader),
        requests_in_flight=reader.whole("requests_in_flight", low=0, high=64, default=0) or None,
        # For a slow line, or to have less to send again after a crash; a platform's lower limit still holds.
        max_rows_per_request=reader.whole("max_rows_per_request", low=0, high=1_000_000, default=0) or None,
        # As much as TikTok's largest file; a platform's lower limit still holds here, too.
        max_mb_per_request=reader.whole("max_mb_per_request", low=0, high=250, default=0) or None,
        # Lambda's own bounds for a mapping's maximum concurrency.
        max_concurrency=reader.whole("max_concurrency", low=2, high=1000, default=5),
        memory_mb=reader.whole("memory_mb", low=256, high=10240, default=1769),
        # At most 5 minutes: a killed worker's message is seen again after six timeouts, 30 minutes at worst.
        timeout_s=reader.whole("timeout_s", low=180, high=300, default=300),
        deadline_hours=reader.whole("deadline_hours", low=1, high=24 * 14, default=72),
        # A plain file above this size is shared out among up to so many workers at once; 0: none is.
        split_above_mb=reader.whole("split_above_mb", low=0, high=1_000_000, default=256),
        max_parts=reader.whole("max_parts", low=2, high=100, default=8),
        placeholders=read_placeholders(reader),
        encoding=reader.choice("encoding", ("", *ENCODINGS), default=""),
        delimiter=reader.choice("delimiter", ("", ",", ";", "|", "tab"), default=""),
        allow_weak=reader.flag("allow_weak", default=False),
        alarm_email=reader.text(
            "alarm_email", pattern=r"[^@\s]+@[^@\s]+", meaning="an e-mail address", default=""
        ),
        options=options,
        columns=read_columns(reader, platform, known_platforms),
        consent=read_row_rule(reader, "consent", known_platforms.get(platform)),
        operation=read_row_rule(reader, "operation"),
        actions=actions,
        audiences=read_audiences(reader, known_platforms.get(platform)),
        droppers=_droppers(reader),
        folder_quiet_minutes=reader.number("folder_quiet_minutes", low=0, high=1440, default=0),
        late_part_minutes=reader.number("late_part_minutes", low=0.01, high=1440, default=15),
        folder_open_hours=reader.number("folder_open_hours", low=0.01, high=24 * 14, default=6),
        secret=read_secret(reader, known_platforms.get(platform), dict(options)),
        guard=read_guard(reader.section("guard")),
        shared_phones=reader.choice("shared_phones", ("", "keep"), default=""),
        replaces=bool(SNAPSHOTS & {Action(one) for one in actions or offered if one in offered}),
        accounts=_accounts(reader),
        reject_percent=reader.number("reject_percent", low=0.1, high=100, default=50),
        expects=read_expects(reader),
    )
    if connector.name in RESERVED:
        reader.mistake("name", f"{connector.name} is the name of something else in the buckets or the ledger")
    _check_room(reader, connector)
    return connector


def said(connector: ConnectorSettings) -> list[object]:
    """Return what a connector's function is told at length: together it may have MAX_SAID_BYTES as JSON."""
    rules = [rule for rule in (connector.consent, connector.operation) if rule]
    audiences = [dict(connector.audiences)] if connector.audiences else []
    return [dict(connector.columns), connector.placeholders, *(written(rule) for rule in rules), *audiences]


def _check_room(reader: Reader, connector: ConnectorSettings) -> None:
    """Report settings that the function has no memory or no room in its environment for."""
    needed_mb = FUNCTION_MB + math.ceil(MB_PER_REQUEST_MB * (connector.max_mb_per_request or 0))
    if connector.memory_mb < needed_mb:
        reader.mistake("max_mb_per_request", f"needs a memory_mb of {needed_mb} or more")
    size = len(json.dumps(said(connector), ensure_ascii=False).encode())
    if size <= MAX_SAID_BYTES:
        return
    if connector.audiences:
        reader.mistake(
            "audiences",
            f"take {size} bytes as JSON together with columns, placeholders, consent and operation, and a function"
            f" has room for {MAX_SAID_BYTES}: say it in <connector>/<audience>/{AUDIENCE_FILE} in the drops bucket"
            " instead",
        )
    elif connector.consent or connector.operation:
        reader.mistake(
            "consent", "has no room in the function beside columns, placeholders and operation: shorten them"
        )


def _accounts(reader: Reader) -> tuple[str, ...]:
    """Read the further ad accounts of a token: a list of ids, or the word `any`."""
    if reader.has("accounts") and reader.value("accounts") == ANY_ACCOUNT:
        return (ANY_ACCOUNT,)
    given = reader.texts("accounts")
    wrong = [one for one in given if one == ANY_ACCOUNT or not re.fullmatch(ACCOUNT, one)]
    if wrong or len(given) > MOST_ACCOUNTS:
        reader.mistake("accounts", f'must be a list of at most {MOST_ACCOUNTS} ad account ids, or "any"')
    return tuple(given)


def _droppers(reader: Reader) -> tuple[str, ...]:
    """Read the principals of other accounts; a bucket's policy takes no wildcard in them."""
    given = reader.texts("droppers")
    if wrong := [one for one in given if not re.fullmatch(DROPPER, one)]:
        reader.mistake("droppers", f"{', '.join(wrong)}: must be the ARN of a role, a user or an account")
    return given
