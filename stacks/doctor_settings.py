"""When the daily `doctor` runs: settings, read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import available_timezones

from stacks.context import Reader

OFF = "off"


@dataclass(frozen=True)
class DoctorSettings:
    """The time of day, as HH:MM in `time_zone`, an IANA name, or "off".

    An audience that has lost `shrinks_percent` of its people in a month is a finding.
    """

    at: str = "06:00"
    time_zone: str = "UTC"
    shrinks_percent: int = 20

    @property
    def is_on(self) -> bool:
        """Return whether it runs."""
        return self.at != OFF

    @property
    def cron(self) -> str:
        """Return the expression of EventBridge Scheduler; of one that is off, that of the default time.

        https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html, read 2026-11-30
        """
        hour, minute = (self.at if self.is_on else DoctorSettings.at).split(":")
        return f"cron({int(minute)} {int(hour)} * * ? *)"


def read_doctor(reader: Reader) -> DoctorSettings:
    """Read the section `doctor`; mistakes are the reader's."""
    found = DoctorSettings(
        at=reader.text(
            "at",
            pattern=rf"(?:[01]\d|2[0-3]):[0-5]\d|{OFF}",
            meaning=f"a time of day such as 06:30, or {OFF}",
            default=DoctorSettings.at,
        ),
        time_zone=reader.text(
            "time_zone", pattern=r"[\w+/-]+", meaning="an IANA time zone", default=DoctorSettings.time_zone
        ),
        shrinks_percent=reader.whole("shrinks_percent", low=1, high=100, default=DoctorSettings.shrinks_percent),
    )
    if found.time_zone and found.time_zone not in available_timezones():
        reader.mistake("time_zone", "must be the IANA name of a time zone, such as Europe/Berlin")
    reader.finish()
    return found
