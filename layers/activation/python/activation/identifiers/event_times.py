"""The rule for the time of an event: Unix seconds of whatever says a point in time, a column at a time."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.codes import Code
from activation.identifiers.rules import Result, matching
from activation.identifiers.table import Context
from activation.identifiers.text import FLOAT, unmarked, whole_number
from activation.identifiers.zones import zone_named

_SECONDS = re.compile(r"([1-9][0-9]{9})(?:\.[0-9]+)?", re.ASCII)
_SMALLER = re.compile(r"[1-9][0-9]{12}(?:[0-9]{3}){0,2}(?:\.[0-9]+)?", re.ASCII)
_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)?"
    r"(?: ?(?:[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?",
    re.ASCII,
)
_SURE_SECONDS = r"\A[1-9][0-9]{9}\z"
_SURE_ISO = (
    r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})\z"
)
_SURE_LOCAL = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)?\z"
_SECONDS_DIGITS = 10
_UTC_LENGTH = len("2026-11-20T10:00:00Z")
_QUARTER_S = 900


def _time(bare: str) -> datetime | None:
    """Return a time in ISO 8601, also with a space before its zone or the zone's name UTC; None for any other."""
    if not _ISO.fullmatch(bare):
        return None
    try:
        return datetime.fromisoformat(re.sub(r" ?(?:UTC|GMT)\Z", "Z", bare).replace(" +", "+").replace(" -", "-"))
    except ValueError:
        return None


@dataclass(frozen=True)
class EventTime:
    """A point in time as Unix seconds, from ISO 8601 with its zone or from Unix seconds."""

    name: str = "ISO 8601 with its zone, or Unix seconds; sent as Unix seconds"

    def value(self, text: str, context: Context) -> Result:
        """Return the seconds; what is smaller than a second is cut off, and a day begins at midnight."""
        bare = whole_number(unmarked(text))
        if seconds := _SECONDS.fullmatch(bare):
            return seconds[1], None
        wrong = (_SMALLER, Code.TIME_IN_MILLISECONDS), (FLOAT, Code.NUMBER_AS_FLOAT)
        if found := next((code for pattern, code in wrong if pattern.fullmatch(bare)), None):
            return None, found
        time = _time(bare)
        if time is not None and time.tzinfo is None and (zone := zone_named(context.time_zone)):
            time = time.replace(tzinfo=zone)
        if time is None or time.tzinfo is None:
            return None, Code.NOT_A_TIME if time is None else Code.TIME_WITHOUT_ZONE
        return str(math.floor(time.timestamp())), None

    def clean(self, values: pa.Array, context: Context) -> pa.Array:
        """Return seconds as they are, and times in the usual form, with a zone of their own or the context's."""
        lengths = pc.min_max(pc.binary_length(values)).as_py()
        if lengths["min"] == lengths["max"] == _UTC_LENGTH and (usual := _in_utc(values)) is not None:
            return usual
        longer = (lengths["min"] or 0) > _SECONDS_DIGITS
        sent = pa.nulls(len(values), pa.string()) if longer else matching(values, _SURE_SECONDS)
        if sent.null_count == values.null_count:
            return sent
        try:
            own = _seconds(matching(values, _SURE_ISO), "UTC").cast(pa.string())
            sent = own if longer else pc.coalesce(sent, own)
            if (zone := zone_named(context.time_zone)) and sent.null_count > values.null_count:
                local = _seconds(matching(values, _SURE_LOCAL), None)
                sent = pc.coalesce(sent, pc.subtract(local, _offsets(local, zone)).cast(pa.string()))
        except pa.ArrowInvalid:  # a 31st of June among them; each is looked at then
            return sent
        return sent


def _in_utc(values: pa.Array) -> pa.Array | None:
    """Return times such as 2026-11-20T10:00:00Z as seconds, None where one of them is anything else.

    Of texts of that length, Arrow reads no other form; without a pattern, a column takes a third of the time.
    """
    if not pc.all(pc.ends_with(values, "Z"), min_count=0).as_py():
        return None
    try:
        return _seconds(values, "UTC").cast(pa.string())
    except pa.ArrowInvalid:
        return None


def _seconds(times: pa.Array, zone: str | None) -> pa.Array:
    """Return times as seconds since 1970 by their own clock; rounded down, also before 1970."""
    micros = times.cast(pa.timestamp("us", zone)).cast(pa.int64())
    if (pc.min(micros).as_py() or 0) >= 0:
        return pc.divide(micros, 1_000_000)
    return pc.floor(pc.divide(micros.cast(pa.float64(), safe=False), 1e6)).cast(pa.int64())


def _offsets(local: pa.Array, zone: ZoneInfo) -> pa.Array:
    """Return how many seconds a zone is ahead of UTC at local times; clocks change at quarters of an hour."""
    quarters = pc.floor(pc.divide(local.cast(pa.float64()), _QUARTER_S)).cast(pa.int64()).dictionary_encode()
    ahead = [
        _ahead_s(datetime(1970, 1, 1) + timedelta(seconds=_QUARTER_S * quarter), zone)  # noqa: DTZ001  local time
        for quarter in quarters.dictionary.to_pylist()
    ]
    return pa.array(ahead, pa.int64()).take(quarters.indices)


def _ahead_s(local: datetime, zone: ZoneInfo) -> int:
    offset = local.replace(tzinfo=zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
