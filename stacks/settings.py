"""`cdk.context.json` as frozen settings, checked as a whole before the first construct exists."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from activation.identifiers.column_map import check_entries
from activation.identifiers.header_names import fold
from activation.identifiers.row_rules import NO_RULE, RowRule, read_rule, rule_mistakes
from activation.platforms.options import Value, problems
from activation.platforms.platform import Platform

from stacks.ci360.settings import Ci360Settings, read_ci360
from stacks.context import Reader
from stacks.marketing_stream.settings import StreamSettings, read_stream

KEY = "audience_activation"
_NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"

# `cdk ... -c <flag>=<value>` sets one of these for a single run, as the sandbox does with the host's wheels.
FLAGS = {
    "name": ("name",),
    "removal": ("removal",),
    "wheels_architecture": ("wheels", "architecture"),
    "wheels_python": ("wheels", "python"),
    "wheels_system": ("wheels", "system"),
}

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html, read 2026-11-22
LOG_RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
                      3288, 3653)  # fmt: skip

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


class SettingsError(Exception):
    """Everything that is wrong with the settings, one sentence each, each naming its key."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join((f"cdk.context.json: {len(mistakes)} to correct", *mistakes)))
        self.mistakes = mistakes


@dataclass(frozen=True)
class Wheels:
    """What the wheel layers are built for: a Lambda architecture, a Python version, an operating system.

    `system` is `linux` for AWS (Amazon Linux 2023, manylinux_2_28); `macos` is for an emulator that runs the
    functions with a Mac's own Python.
    """

    architecture: str
    python: str
    system: str


@dataclass(frozen=True)
class Retention:
    """How long things are kept, in days.

    `ledger_days` counts from the end of a run. It covers the life of a drop, so that a replayed event still
    finds that its drop was sent.
    """

    drops_days: int
    noncurrent_drops_days: int
    receipts_days: int
    access_logs_days: int
    logs_days: int
    archive_days: int
    ledger_days: int


@dataclass(frozen=True)
class ConnectorSettings:
    """One connector: a platform, an account and how hard to work for them.

    "" and None mean that nothing is configured: the account named in the secret is not compared, national phone
    numbers are unusable, a file's own dates or the default country say their order, the platform's own limits of
    requests in flight and of rows and bytes a request hold, nobody is mailed. `allow_weak` sends drops whose
    columns can match hardly anybody. `options` are what the platform lets a connector choose, by name. `columns`
    are what the connector's files call the fields. `consent` and `operation` say which rows may be sent.
    """

    name: str
    platform: str
    account: str
    default_country: str
    date_order: str
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


@dataclass(frozen=True)
class Settings:
    """The whole app. `name` begins every stack's name, so that an account can hold several copies."""

    name: str
    removal: str
    log_level: str
    wheels: Wheels
    retention: Retention
    connectors: tuple[ConnectorSettings, ...]
    marketing_stream: StreamSettings | None
    ci360: Ci360Settings | None


def read_settings(context: Callable[[str], Any], known_platforms: Mapping[str, Platform]) -> Settings:
    """Read the settings through `context`, which gives a context key's value or None.

    Raises SettingsError with every mistake at once, unknown keys included.
    """
    mistakes: list[str] = []
    given = context(KEY)
    reader = Reader(_with_flags(given, context), KEY, mistakes)
    retention = _retention(reader.section("retention"))
    connectors = _connectors(reader, known_platforms, retention)
    settings = Settings(
        name=reader.text(
            "name",
            pattern=rf"(?=.{{3,32}}\Z){_NAME}",
            meaning="3 to 32 lower-case letters, digits and single hyphens, a letter first",
            default="audience-activation",
        ),
        removal=reader.choice("removal", ("retain", "destroy"), default="retain"),
        log_level=reader.choice("log_level", ("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO"),
        wheels=_wheels(reader.section("wheels")),
        retention=retention,
        connectors=connectors,
        marketing_stream=read_stream(
            reader.section("marketing_stream"), _section(given, "marketing_stream"), context
        ),
        ci360=read_ci360(
            reader.section("ci360"),
            _section(given, "ci360"),
            tuple(one.name for one in connectors),
            context("ci360"),
        ),
    )
    reader.finish()
    if mistakes:
        raise SettingsError(mistakes)
    return settings


def _with_flags(given: object, context: Callable[[str], Any]) -> object:
    """Lay the flags of the command line over the file's settings."""
    if not isinstance(given, Mapping):
        return given
    merged = copy.deepcopy(dict(given))
    for flag, path in FLAGS.items():
        value = context(flag)
        if value is None:
            continue
        section: object = merged
        for key in path[:-1]:
            section = section.setdefault(key, {}) if isinstance(section, dict) else None
        if isinstance(section, dict):  # else the reader reports it
            section[path[-1]] = value
    return merged


def _section(given: object, key: str) -> Mapping[str, Any] | None:
    """Return a section as it stands in the file; None where there is none, which differs from an empty one."""
    section = given.get(key) if isinstance(given, Mapping) else None
    return section if isinstance(section, Mapping) else None


def _wheels(reader: Reader) -> Wheels:
    wheels = Wheels(
        architecture=reader.choice("architecture", ("arm64", "x86_64"), default="arm64"),
        python=reader.choice("python", ("3.11", "3.12", "3.13", "3.14"), default="3.13"),
        system=reader.choice("system", ("linux", "macos"), default="linux"),
    )
    reader.finish()
    return wheels


def _retention(reader: Reader) -> Retention:
    retention = Retention(
        drops_days=reader.whole("drops_days", low=1, high=3650, default=30),
        noncurrent_drops_days=reader.whole("noncurrent_drops_days", low=1, high=3650, default=7),
        receipts_days=reader.whole("receipts_days", low=1, high=3650, default=400),
        access_logs_days=reader.whole("access_logs_days", low=1, high=3650, default=90),
        logs_days=reader.whole("logs_days", low=1, high=3653, default=90),
        archive_days=reader.whole("archive_days", low=1, high=3650, default=365),
        ledger_days=reader.whole("ledger_days", low=1, high=3650, default=90),
    )
    if retention.logs_days not in LOG_RETENTION_DAYS:
        reader.mistake(
            "logs_days", f"CloudWatch Logs keeps for {', '.join(map(str, LOG_RETENTION_DAYS))} days only"
        )
    life_days = retention.drops_days + retention.noncurrent_drops_days
    if retention.ledger_days < life_days:
        reader.mistake(
            "ledger_days",
            f"must be at least drops_days + noncurrent_drops_days ({life_days}), or a replay sends a drop again",
        )
    reader.finish()
    return retention


def _connectors(
    reader: Reader, known_platforms: Mapping[str, Platform], retention: Retention
) -> tuple[ConnectorSettings, ...]:
    names: dict[str, str] = {}
    connectors = []
    for one in reader.sections("connectors"):
        connector = _connector(one, known_platforms)
        connectors.append(connector)
        # Outputs are named without hyphens, so a-b and ab would be one name.
        plain = connector.name.replace("-", "")
        if plain and plain in names:
            one.mistake("name", f"{connector.name} and {names[plain]} are the same name but for hyphens")
        names[plain] = connector.name
        needed_mb = FUNCTION_MB + math.ceil(MB_PER_REQUEST_MB * (connector.max_mb_per_request or 0))
        if connector.memory_mb < needed_mb:
            one.mistake("max_mb_per_request", f"needs a memory_mb of {needed_mb} or more")
        rules = [rule for rule in (connector.consent, connector.operation) if rule]
        said = [dict(connector.columns), connector.placeholders, *([rule.column, rule.allow] for rule in rules)]
        if (
            rules
            and len(json.dumps(said, ensure_ascii=False).encode()) > MAX_COLUMNS_BYTES + MAX_PLACEHOLDERS_BYTES
        ):
            one.mistake(
                "consent", "has no room in the function beside columns, placeholders and operation: shorten them"
            )
        if connector.deadline_hours > 24 * retention.drops_days:
            one.mistake(
                "deadline_hours", "is longer than drops_days: the drop would be gone before its run gives up"
            )
        one.finish()
    return tuple(connectors)


def _connector(reader: Reader, known_platforms: Mapping[str, Platform]) -> ConnectorSettings:
    platform = reader.choice("platform", tuple(known_platforms))
    return ConnectorSettings(
        name=reader.text(
            "name",
            pattern=rf"(?=.{{1,32}}\Z){_NAME}",
            meaning="up to 32 lower-case letters, digits and single hyphens, a letter first",
        ),
        platform=platform,
        account=reader.text("account", pattern=r"[A-Za-z0-9_:-]{1,64}", meaning="an ad account id", default=""),
        default_country=reader.text(
            "default_country", pattern=r"[A-Z]{2}", meaning="an ISO 3166-1 alpha-2 code in upper case", default=""
        ),
        date_order=reader.choice("date_order", ("", "dmy", "mdy", "ymd"), default=""),
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
    )


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
