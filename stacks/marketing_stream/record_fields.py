"""What the fields of a dataset's records are for, and those that most datasets have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fields:
    """The fields of a dataset's records.

    `about` are the dimensions of a delta, or the plain fields of a version or notice. `counted` are numbers: the
    summed ones of a delta. `nested` are kept as JSON text. `key` identifies what a record describes, `newest` is
    the field by which the newest record is found.
    """

    about: tuple[str, ...]
    counted: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    newest: str = ""


ADVERTISER = ("marketplace_id", "advertiser_id")
HOUR = "time_window_start"
