"""The defaults of a run's record, which are left out of what is stored: a changed one would change stored runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, get_args, get_type_hints

from activation.ledger.mirror_run import MirrorPhase
from activation.ledger.progress import Progress
from activation.platforms.publisher import Opened

# Every other default is empty: 0, False, None, "", or something that holds nothing else.
NOT_EMPTY = {
    "Attempts.starts_max": 1,
    "Checkpoint.numbered": 1,
    "MirrorRun.phase": MirrorPhase.COMPARE,
    "MirrorRun.cells": True,
    "MirrorRun.version": -1,
    "MirrorRun.lists": -1,
    "Passage.first_at": -1,
}


def kinds(kind: Any) -> Iterator[type]:
    """Yield the dataclasses that a value of a type may hold, itself included."""
    for part in get_args(kind):
        yield from kinds(part)
    if is_dataclass(kind):
        yield kind if isinstance(kind, type) else type(kind)
        for hint in get_type_hints(kind).values():
            yield from kinds(hint)


def default(one: Field[Any]) -> Any:
    """Return a field's default, MISSING for none."""
    return one.default if one.default_factory is MISSING else one.default_factory()


def is_empty(value: Any) -> bool:
    """Return whether a default is empty, or is an object of defaults, which are looked at by themselves."""
    return not value or (
        is_dataclass(value) and all(getattr(value, one.name) == default(one) for one in fields(value))
    )


def test_a_default_that_is_left_out_of_stored_records_stays_as_it_is() -> None:
    """A stored run that lacks the field would otherwise be read as if it had said something else."""
    found = {
        f"{kind.__name__}.{one.name}": default(one)
        for kind in {*kinds(Progress), *kinds(Opened)}
        for one in fields(kind)
        if default(one) is not MISSING
    }
    assert len(found) > 150
    assert {name: value for name, value in found.items() if not is_empty(value)} == NOT_EMPTY
