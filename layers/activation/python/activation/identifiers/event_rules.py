"""What a platform wants of an event beside its person, as data: needs, limits of age, data that is too broad."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from activation.identifiers.codes import Code


@dataclass(frozen=True)
class Need:
    """Something that an event needs: a cell under one of `keys`, else its row is not sent, for the reason `code`.

    Every event needs it, or, where `of` is a field's wire key, those that have one of `values` there; with no
    `values`, those that have any cell there.
    """

    keys: tuple[str, ...]
    code: Code
    of: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class EventRules:
    """A platform's rules for events.

    `name`, `time`, `id`, `order` and `source` are the wire keys of an event's name, its time (Unix seconds), its
    id, its order's id, and of where it took place. `describes` are the wire keys of all fields that say something
    of the event instead of its person. `needs` are what a row has to have. A cell that cannot be used is left out
    of its event, but one under a key of `exact` keeps its row from being sent. A person of whom no more is known
    than what a set of `broad` has is too many people. `longest_s` is how old an event may be when it is sent, in
    seconds, and `longest_of` the same by its source.
    """

    name: str
    time: str
    id: str
    order: str
    source: str
    describes: frozenset[str]
    needs: tuple[Need, ...]
    exact: frozenset[str]
    broad: tuple[frozenset[str], ...]
    longest_s: float
    longest_of: Mapping[str, float] = field(default_factory=dict)

    @property
    def needs_of_names(self) -> tuple[Need, ...]:
        """Return the needs of events of some names, such as a purchase's value."""
        return tuple(need for need in self.needs if need.of == self.name)

    def can_identify(self, keys: Collection[str]) -> bool:
        """Return whether events that fill these wire keys can say enough of their person."""
        known = {*keys} - self.describes
        return bool(known) and not any(known <= broad for broad in self.broad)
