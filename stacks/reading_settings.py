"""How a connector's files are read: the settings of columns, placeholders, encodings, zones, and rows to send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from zoneinfo import available_timezones

from activation.identifiers.column_map import check_entries
from activation.identifiers.header_names import fold
from activation.identifiers.row_rules import read_rule, rule_mistakes
from activation.platforms.platform import Platform
from activation.row_rule import RowRule

from stacks.context import Reader

# Those an export can be declared to have, which a test holds against the reader's; UTF-16 is known by its mark.
ENCODINGS = (
    "utf-8", "latin-1", "windows-1252", "iso-8859-15", "windows-1250", "iso-8859-2", "mac-latin2",
    "shift_jis", "cp932", "euc-jp", "gb18030", "gbk", "gb2312", "big5", "cp950", "euc-kr", "cp949",
    "windows-1251", "koi8-r", "koi8-u", "iso-8859-5", "cp866", "mac-cyrillic",
    "windows-1253", "iso-8859-7", "mac-greek", "windows-1254", "iso-8859-9", "mac-turkish",
    "windows-1255", "windows-1256", "windows-1257", "iso-8859-13", "windows-1258", "windows-874",
    "mac-roman", "cp850",
)  # fmt: skip


# Of the 4 KB that all variables of a function may take; names, addresses and options need up to 1.5 KB:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, read 2026-11-29
MAX_COLUMNS_BYTES, MAX_PLACEHOLDERS_BYTES = 1_500, 1_000


def read_time_zone(reader: Reader) -> str:
    """Read the zone of times that have none."""
    given = reader.text("time_zone", pattern=r"[\w+/-]*", meaning="an IANA time zone", default="")
    if given and given not in available_timezones():
        reader.mistake("time_zone", "must be the IANA name of a time zone, such as Europe/Berlin")
    return given


def read_row_rule(reader: Reader, name: str, platform: Platform | None = None) -> RowRule:
    """Read which rows may be sent, and what `platform` is told of their consent."""
    given = reader.values(name)
    mistakes = rule_mistakes(given, platform.signals if platform else {}) if given else {}
    for key, mistake in mistakes.items():
        reader.mistake(f"{name}.{key}", mistake)
    return RowRule() if mistakes else read_rule(given)


def read_placeholders(reader: Reader) -> tuple[str, ...]:
    """Read the values that mean nobody."""
    found = reader.texts("placeholders")
    if len(json.dumps(found)) > MAX_PLACEHOLDERS_BYTES:
        reader.mistake(
            "placeholders",
            f"are longer than {MAX_PLACEHOLDERS_BYTES} bytes as JSON, all that a function has room for",
        )
    return found


def read_columns(
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
