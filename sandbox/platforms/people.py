"""The people behind the identifiers: who is in an audience after rows were added and removed.

An ad platform matches identifiers to people. A simulator that only keeps rows shows the removal of a person as a
success when another row still names her. In the mode `people`, a simulator also resolves each identifier to those
`people` that a test lists: a row adds everybody whom any of its cells names, and removes everybody whom any of
them names. That is a model: no platform publishes its rule.

    {"identity": "people", "people": [["ann", "<hash of an address>", "<hash of a phone>"], ["bob", "..."]]}

The first text of each is a name for the state, which then says under `people` who is in each audience; the others
are cells as they are sent. A cell may be several people's, as a household's phone is; one that is nobody's matches
nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Protocol


class Identity(StrEnum):
    """What an audience is taken to hold."""

    ROWS = "rows"
    PEOPLE = "people"


People = tuple[tuple[str, ...], ...]


@lru_cache(maxsize=4)
def _by_cell(people: People) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for name, *cells in people:
        for cell in cells:
            found.setdefault(cell, set()).add(name)
    return {cell: frozenset(names) for cell, names in found.items()}


class Resolving(Protocol):
    """The settings that say who is behind a cell."""

    @property
    def identity(self) -> Identity:
        """Return the mode."""
        ...

    @property
    def people(self) -> People:
        """Return the people, each a name and cells."""
        ...


def named_by(settings: Resolving, cells: Iterable[str]) -> set[str]:
    """Return the names of all people that any of these cells is of; nobody in the mode `rows`."""
    if settings.identity is Identity.ROWS:
        return set()
    by_cell = _by_cell(settings.people)
    return {name for cell in cells for name in by_cell.get(cell, ())}


def shown(identity: Identity, held: Collection[str]) -> dict[str, list[str]]:
    """Return what the state says of an audience besides its rows: its people's names, in the mode `people`."""
    return {"people": sorted(held)} if identity is Identity.PEOPLE else {}
