"""Which drops are expected when: the key `expects` of a connector's settings, read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import available_timezones

from stacks.context import Reader

MOST_EXPECTED = 20  # of a connector: the watch is told of all in its environment, which has room for 4 kB
TIME_OF_DAY = r"(?:[01]\d|2[0-3]):[0-5]\d"


@dataclass(frozen=True)
class ExpectedDrop:
    """When drops for an `audience` are expected.

    One comes every `every_hours`, or, where these are 0, each day before the time of day `by`, as HH:MM in
    `time_zone`, an IANA name.
    """

    audience: str
    every_hours: float = 0
    by: str = ""
    time_zone: str = "UTC"

    def variable(self, connector: str) -> dict[str, str | float]:
        """Return what the watch is told."""
        when = {"every_hours": self.every_hours} if self.every_hours else {"by": self.by, "zone": self.time_zone}
        return {"connector": connector, "audience": self.audience, **when}


def read_expects(reader: Reader) -> tuple[ExpectedDrop, ...]:
    """Read a connector's list `expects`; mistakes are the reader's."""
    found = tuple(map(_read, reader.sections("expects", optional=True)))
    if len(found) > MOST_EXPECTED:
        reader.mistake("expects", f"has more than {MOST_EXPECTED} audiences")
    if len({one.audience for one in found}) < len(found):
        reader.mistake("expects", "names an audience twice")
    return found


def _read(reader: Reader) -> ExpectedDrop:
    found = ExpectedDrop(
        audience=reader.text(
            "audience", pattern=r"[^/]{1,256}", meaning="an audience's name, as in the drops' keys"
        ),
        every_hours=reader.number("every_hours", low=0, high=24 * 62, default=0),
        by=reader.text("by", pattern=TIME_OF_DAY, meaning="a time of day such as 06:30", default=""),
        time_zone=reader.text("time_zone", pattern=r"[\w+/-]+", meaning="an IANA time zone", default="UTC"),
    )
    if bool(found.every_hours) == bool(found.by):
        reader.mistake("every_hours", "set either every_hours or by")
    if found.time_zone and found.time_zone not in available_timezones():
        reader.mistake("time_zone", "must be the IANA name of a time zone, such as Europe/Berlin")
    reader.finish()
    return found
