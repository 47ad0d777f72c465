"""A connector's settings: its section of `cdk.context.json`, read and checked."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from zoneinfo import available_timezones

from activation.identifiers.column_map import check_entries
from activation.identifiers.header_names import fold
from activation.identifiers.row_rules import NO_RULE, RowRule, read_rule, rule_mistakes, written
from activation.model import SNAPSHOTS, Action, visible_name
from activation.platforms.audience_options import ID, option_mistakes
from activation.platforms.options import Value, problems
from activation.platforms.platform import Platform

from stacks.context import Reader
from stacks.guard_settings import USUAL_GUARD, GuardSettings, read_guard
from stacks.names import NAME, RESERVED
from stacks.secret_settings import OWN_SECRET, SecretSettings, read_secret

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html, read 2026-11-29
DROPPER = r"arn:aws[a-z-]*:iam::\d{12}:(root|(role|user)/[\w+=,.@/-]{1,576})"

# Those an export can be declared to have, which a test holds against the reader's; UTF-16 is known by its mark.
ENCODINGS = (
    "utf-8", "latin-1", "windows-1252", "iso-8859-15", "windows-1250", "iso-8859-2", "mac-latin2",
    "shift_jis", "cp932", "euc-jp", "gb18030", "gbk", "gb2312", "big5", "cp950", "euc-kr", "cp949",
    "windows-1251", "koi8-r", "koi8-u", "iso-8859-5", "cp866", "mac-cyrillic",
    "windows-1253", "iso-8859-7", "mac-greek", "windows-1254", "iso-8859-9", "mac-turkish",
    "windows-1255", "windows-1256", "windows-1257", "iso-8859-13", "windows-1258", "windows-874",
    "mac-roman", "cp850",
)  # fmt: skip


# What a function needs of memory: for itself, and for each megabyte of a request that it reads and sends. Above
# what the bench found for files of 50 MB.
FUNCTION_MB, MB_PER_REQUEST_MB = 128, 2.5


# Of the 4 KB that all variables of a function may take; names, addresses and options need up to 1.5 KB:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, read 2026-11-29
MAX_COLUMNS_BYTES, MAX_PLACEHOLDERS_BYTES = 1_500, 1_000
MAX_SAID_BYTES = MAX_COLUMNS_BYTES + MAX_PLACEHOLDERS_BYTES
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
    `audiences` are the options of single audiences, by name: see activation/platforms/audience_options.py.
    `guard` says what a mirror may do unasked. `droppers` are the ARNs of principals in other accounts that may
    upload its drops. `replaces` says that drops may ask for all of an audience, so that who uploads them may also
    say what the audience is like.
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


def read_connector(reader: Reader, known_platforms: Mapping[str, Platform]) -> ConnectorSettings:
    """Read one connector; its mistakes are the reader's, whom the caller tells that all keys were read."""
    platform = reader.choice("platform", tuple(known_platforms))
    offered = known_platforms[platform].limits.actions if platform in known_platforms else frozenset[Action]()
    actions = _actions(reader, platform, known_platforms)
    connector = ConnectorSettings(
        name=reader.text(
            "name",
            pattern=rf"(?=.{{1,32}}\Z){NAME}",
            meaning="up to 32 lower-case letters, digits and single hyphens, a letter first",
        ),
        platform=platform,
        account=reader.text("account", pattern=r"[A-Za-z0-9_:-]{1,64}", meaning="an ad account id", default=""),
        default_country=reader.text(
            "default_country", pattern=r"[A-Z]{2}", meaning="an ISO 3166-1 alpha-2 code in upper case", default=""
        ),
        date_order=reader.choice("date_order", ("", "dmy", "mdy", "ymd"), default=""),
        time_zone=_time_zone(reader),
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
        placeholders=_placeholders(reader),
        encoding=reader.choice("encoding", ("", *ENCODINGS), default=""),
        delimiter=reader.choice("delimiter", ("", ",", ";", "|", "tab"), default=""),
        allow_weak=reader.flag("allow_weak", default=False),
        alarm_email=reader.text(
            "alarm_email", pattern=r"[^@\s]+@[^@\s]+", meaning="an e-mail address", default=""
        ),
        options=_options(reader, platform, known_platforms),
        columns=_columns(reader, platform, known_platforms),
        consent=_rule(reader, "consent"),
        operation=_rule(reader, "operation"),
        actions=actions,
        audiences=_audiences(reader, known_platforms.get(platform)),
        droppers=_droppers(reader),
        folder_quiet_minutes=reader.number("folder_quiet_minutes", low=0, high=1440, default=0),
        late_part_minutes=reader.number("late_part_minutes", low=0.01, high=1440, default=15),
        folder_open_hours=reader.number("folder_open_hours", low=0.01, high=24 * 14, default=6),
        secret=read_secret(reader, known_platforms.get(platform)),
        guard=read_guard(reader.section("guard")),
        replaces=bool(SNAPSHOTS & {Action(one) for one in actions or offered if one in offered}),
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


def _time_zone(reader: Reader) -> str:
    """Read the zone of times that have none."""
    given = reader.text("time_zone", pattern=r"[\w+/-]*", meaning="an IANA time zone", default="")
    if given and given not in available_timezones():
        reader.mistake("time_zone", "must be the IANA name of a time zone, such as Europe/Berlin")
    return given


def _actions(reader: Reader, platform: str, known_platforms: Mapping[str, Platform]) -> tuple[str, ...]:
    """Read the actions that drops may ask for."""
    given = reader.texts("actions")
    offered = known_platforms[platform].limits.actions if platform in known_platforms else frozenset(Action)
    if wrong := [one for one in given if one not in offered]:
        reader.mistake(
            "actions", f"{', '.join(wrong)} is not offered; {platform} offers {', '.join(sorted(offered))}"
        )
    return given


def _audiences(reader: Reader, platform: Platform | None) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Read the options of single audiences, by the name that drops have in their keys."""
    found: dict[str, Mapping[str, Any]] = {}
    for given, options in reader.values("audiences").items():
        name, place = visible_name(given), f"audiences.{given}"
        if not name or "/" in name:
            reader.mistake(place, "must be an audience's name, without /")
        if name in found:
            reader.mistake(place, "has the same name as another audience, as people see it")
        if not isinstance(options, Mapping):
            reader.mistake(place, "must be an object of options")
            continue
        if options.get(ID) is not None and any(one.get(ID) == options[ID] for one in found.values()):
            reader.mistake(f"{place}.{ID}", "is that of another audience: one has one name, or its runs cross")
        for option, mistake in option_mistakes(platform.audience_options, options).items() if platform else ():
            reader.mistake(f"{place}.{option}", mistake)
        found[name] = options
    return tuple(found.items())


def _droppers(reader: Reader) -> tuple[str, ...]:
    """Read the principals of other accounts; a bucket's policy takes no wildcard in them."""
    given = reader.texts("droppers")
    if wrong := [one for one in given if not re.fullmatch(DROPPER, one)]:
        reader.mistake("droppers", f"{', '.join(wrong)}: must be the ARN of a role, a user or an account")
    return given


def _rule(reader: Reader, name: str) -> RowRule:
    """Read which rows may be sent."""
    given = reader.values(name)
    mistakes = rule_mistakes(given) if given else {}
    for key, mistake in mistakes.items():
        reader.mistake(f"{name}.{key}", mistake)
    return RowRule() if mistakes else read_rule(given)


def _placeholders(reader: Reader) -> tuple[str, ...]:
    """Read the values that mean nobody."""
    found = reader.texts("placeholders")
    if len(json.dumps(found)) > MAX_PLACEHOLDERS_BYTES:
        reader.mistake(
            "placeholders",
            f"are longer than {MAX_PLACEHOLDERS_BYTES} bytes as JSON, all that a function has room for",
        )
    return found


def _columns(
    reader: Reader, platform: str, known_platforms: Mapping[str, Platform]
) -> tuple[tuple[str, str], ...]:
    """Read what the connector's files call the fields.

    A platform's fields need Arrow, which a machine that only deploys may lack; `plan` and the function check them
    too.
    """
    given = reader.values("columns")
    texts = {
        name: field for name, field in given.items() if isinstance(field, str) and name.strip() and field.strip()
    }
    for name in given.keys() - texts.keys():
        reader.mistake(f"columns.{name}", "must be a field's name, ignore, or the value that every row has")
    seen: dict[str, str] = {}
    for name in texts:
        if (before := seen.setdefault(fold(name), name)) != name:
            reader.mistake(f"columns.{name}", f"is the same column as {before}")
    if len(json.dumps(texts)) > MAX_COLUMNS_BYTES:
        reader.mistake(
            "columns", f"is longer than {MAX_COLUMNS_BYTES} bytes as JSON, all that a function has room for"
        )
    if platform in known_platforms and texts and find_spec("pyarrow"):
        for mistake in check_entries(known_platforms[platform].table, texts):
            reader.mistake("columns", mistake)
    return tuple(texts.items())


def _options(
    reader: Reader, platform: str, known_platforms: Mapping[str, Platform]
) -> tuple[tuple[str, Value], ...]:
    """Read what the platform lets a connector choose; an unknown platform is a mistake reported already."""
    given = reader.values("options")
    if platform not in known_platforms:
        return ()
    for name, problem in problems(known_platforms[platform].options, given).items():
        others = [one.title for one in known_platforms.values() if name in (option.name for option in one.options)]
        elsewhere = "" if problem.startswith("must") or not others else f"; it is an option of {', '.join(others)}"
        reader.mistake(f"options.{name}", f"{problem}{elsewhere}")
    return tuple(sorted(given.items()))
