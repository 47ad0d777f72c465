"""What the first rows of a drop show, as counts and names: kept in the run's record, and said in its receipt.

Apart from `sampling.py`, which finds it, so that whoever only reads a record need not load what judges cells.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SAMPLE_ROWS = 2_000
MAIL, PHONE = "email", "phone"


@dataclass(frozen=True)
class Unsaid:
    """Columns that say whether a row may be sent, by their shown names, and the answers that would allow it.

    `consents` are those of consent and of opting out, `operations` those of what became of the record. The
    answers are as they would be written in the settings, chosen by the column's kind and never from its cells.
    """

    consents: dict[str, str] = field(default_factory=dict)
    operations: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """The first rows of a drop, at most SAMPLE_ROWS, as counts and names of columns.

    `rows` is how many there are, `fields` the wire keys that the used columns fill. `weak` says that no used
    column can match a person by itself. `lookalikes` maps unused columns, by the name that may be shown, to what
    their cells look like ("email", "phone"). `phones` is how many filled cells of used phone columns were looked
    at, `bare` how many of them seem to lack a country code although nothing else says the country. `named` is how
    many rows have an identifier, `people` how many different ones these are. `unsaid` are the columns that seem to
    say whether a row may be sent, of which nobody said anything. `asks_in_vain` says that the
    drop removes people and has a column of consent: see row_filters.py.
    """

    rows: int = 0
    fields: tuple[str, ...] = ()
    weak: bool = False
    lookalikes: dict[str, str] = field(default_factory=dict)
    phones: int = 0
    bare: int = 0
    named: int = 0
    people: int = 0
    unsaid: Unsaid = field(default_factory=Unsaid)
    asks_in_vain: bool = False
