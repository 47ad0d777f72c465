"""What a drop's key may declare its cells to be, by platform."""

from __future__ import annotations

from activation.identifiers.table import FieldTable
from activation.model import EVENTS, HASHED, RAW

# Lists of values as people write them, one a line; every other list holds what its type's name says.
PLAIN_LISTS = ("email", "phone")


def declarable(table: FieldTable) -> tuple[str, ...]:
    """Return every `<identifiers>` that a platform's drops may declare, in lower case."""
    if table.events is not None:
        return (EVENTS.declared,)
    plain = [name for name in PLAIN_LISTS if table.named(name)]
    return (
        RAW.declared,
        *(table.hashed_as or (HASHED.declared,)),
        *plain,
        *(name.lower() for name in dict(table.singles)),
    )
