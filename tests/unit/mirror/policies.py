"""What may be removed, simulated: who is wrongly missing from an audience, and who is wrongly still in it.

    python -m tests.unit.mirror.policies

A list is mirrored into audiences of the simulated Meta, in its mode that resolves identifiers to people, by one
policy each; "ours" is the engine's own difference. A person is wrongly missing if a row of the list has an
identifier of hers and she is not in the audience, and wrongly still in if none has. That a removal takes out
everybody whom any of its identifiers names is the simulator's model: no platform publishes its rule.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from activation.mirror.delta import read_part
from activation.mirror.difference import compare
from activation.mirror.state import MirrorState

from sandbox.platforms.meta.audiences import Audience
from sandbox.platforms.meta.settings import MetaSettings
from sandbox.platforms.meta.uploads import Upload, add_or_remove
from sandbox.platforms.people import Identity
from tests.unit.mirror.model import ALONE, MemoryPieces, snapshot

HAS_EMAIL, HAS_PHONE = 0.95, 0.60
HOUSEHOLD, DOUBLE = 0.08, 0.03  # shares of people who give the phone of another, and who stand in the list twice
LEAVE, CHANGE = 0.02, 0.013  # shares of people who leave, and who change an identifier, between two rounds

Row = tuple[str | None, str | None]  # an e-mail address and a phone, hashed
Rows = frozenset[Row]
Requests = Sequence[tuple[str, Iterable[Row]]]  # REMOVE or ADD, and its rows


@dataclass
class Person:
    """A customer: her rows in the list, and all identifiers that the platform ever saw of her."""

    name: str
    rows: list[Row]
    cells: set[str] = field(default_factory=set)


class World:
    """Customers who join, leave, move in together and change their identifiers."""

    def __init__(self, seed: int, size: int) -> None:
        self._random = random.Random(seed)
        self._made = 0
        self._everybody: list[Person] = []
        self._customers: list[Person] = []
        for _ in range(size):
            self._join()

    @property
    def rows(self) -> Rows:
        """Return the list."""
        return frozenset(row for one in self._customers for row in one.rows)

    @property
    def people(self) -> tuple[tuple[str, ...], ...]:
        """Return everybody with the identifiers by which the platform knows them."""
        return tuple((one.name, *sorted(one.cells)) for one in self._everybody)

    def pass_by(self) -> None:
        """Let some people leave, as many join, and some change an identifier."""
        leaving = {one.name for one in self._customers if self._is(LEAVE)}
        self._customers = [one for one in self._customers if one.name not in leaving]
        for one in self._customers:
            if self._is(CHANGE):
                email, phone = one.rows[0]
                one.rows[0] = (email, self._new()) if phone else (self._new(), phone)
                one.cells |= {cell for cell in one.rows[0] if cell}
        for _ in leaving:
            self._join()

    def _join(self) -> None:
        email = self._new() if self._is(HAS_EMAIL) else None
        phone = self._new() if email is None or self._is(HAS_PHONE) else None
        if self._customers and self._is(HOUSEHOLD):
            phone = next((row[1] for row in self._random.choice(self._customers).rows if row[1]), phone)
        rows: list[Row] = [(email, phone)]
        if self._is(DOUBLE):
            rows.append((self._new(), phone))
        cells = {cell for row in rows for cell in row if cell}
        person = Person(f"person {self._new()[:12]}", rows, cells)
        self._everybody.append(person)
        self._customers.append(person)

    def _is(self, share: float) -> bool:
        return self._random.random() < share

    def _new(self) -> str:
        self._made += 1
        return hashlib.sha256(f"{self._made}".encode()).hexdigest()


def unheld(row: Row, wanted: Rows) -> Row:
    """Return a row with only those cells that no wanted row has."""
    return row[0] if row[0] not in _cells(wanted) else None, row[1] if row[1] not in _cells(wanted) else None


def _cells(rows: Rows) -> frozenset[str]:
    if rows not in _KNOWN:
        _KNOWN.clear()
        _KNOWN[rows] = frozenset(cell for row in rows for cell in row if cell)
    return _KNOWN[rows]


_KNOWN: dict[Rows, frozenset[str]] = {}


def rows_adds_first(before: Rows, after: Rows) -> Requests:
    """Add the new rows, then remove those that have left."""
    return ("ADD", after - before), ("REMOVE", before - after)


def rows_removes_first(before: Rows, after: Rows) -> Requests:
    """Remove the rows that have left, then add the new ones."""
    return ("REMOVE", before - after), ("ADD", after - before)


def cells_adds_first(before: Rows, after: Rows) -> Requests:
    """Add the new rows, then remove the cells that no wanted row has."""
    return ("ADD", after - before), ("REMOVE", [unheld(row, after) for row in before - after])


def cells_removes_first(before: Rows, after: Rows) -> Requests:
    """Remove the cells that no wanted row has, then add the new rows."""
    return ("REMOVE", [unheld(row, after) for row in before - after]), ("ADD", after - before)


def whole_rows(before: Rows, after: Rows) -> Requests:
    """Remove only rows of which no wanted row has a cell."""
    return ("REMOVE", [row for row in before - after if unheld(row, after) == row]), ("ADD", after - before)


class Ours:
    """The engine: its snapshot of the last round, and its difference from it."""

    def __init__(self) -> None:
        self._pieces = MemoryPieces()
        self._state = MirrorState()
        self._round = 0

    def __call__(self, before: Rows, after: Rows) -> Requests:
        """Return what the engine removes and adds."""
        self._round += 1
        rows = [[{k: cell for k, cell in zip(ALONE, row, strict=True) if cell}] for row in sorted(after, key=str)]
        candidate = snapshot(self._pieces, f"{self._round}/", rows, ALONE, at_once=1_000, piece_lines=1_000)
        found = compare(candidate, self._state, self._pieces, ALONE, f"{self._round}/")
        self._state = MirrorState(snapshot=candidate)
        return [
            (verb, [(line.get("EMAIL"), line.get("PHONE")) for lines in read_part(self._pieces, part)
                    for line in lines.to_pylist()])
            for verb, part in (("REMOVE", found.removes), ("ADD", found.adds))
            if part is not None
        ]  # fmt: skip


POLICIES: dict[str, Callable[[], Callable[[Rows, Rows], Requests]]] = {
    "rows, adds before removes": lambda: rows_adds_first,
    "rows, removes before adds": lambda: rows_removes_first,
    "cells that no wanted row has, adds before removes": lambda: cells_adds_first,
    "cells that no wanted row has, removes before adds": lambda: cells_removes_first,
    "whole rows of which no wanted row has a cell": lambda: whole_rows,
    "ours: such cells, removes before adds, neighbours again": Ours,
}


@dataclass
class Outcome:
    """How many people should have been in an audience, over all rounds, and who was wrongly missing, or in."""

    wanted: int = 0
    missing: int = 0
    still_in: int = 0

    @property
    def shares(self) -> tuple[float, float]:
        """Return the shares of people wrongly missing and wrongly still in."""
        return self.missing / self.wanted, self.still_in / self.wanted


def simulate(worlds: int, rounds: int, size: int) -> dict[str, Outcome]:
    """Return the outcome of each policy."""
    outcomes = {name: Outcome() for name in POLICIES}
    for seed in range(worlds):
        world = World(seed, size)
        policies = {name: make() for name, make in POLICIES.items()}
        audiences = {name: Audience("1", "1", name, 0) for name in POLICIES}
        before: Rows = frozenset()
        for _ in range(rounds + 1):
            after, settings = world.rows, MetaSettings(identity=Identity.PEOPLE, people=world.people)
            wanted = {name for name, *cells in world.people if not _cells(after).isdisjoint(cells)}
            for name, policy in policies.items():
                for verb, rows in policy(before, after):
                    _send(audiences[name], verb, rows, settings)
                if before:
                    held, outcome = audiences[name].people, outcomes[name]
                    outcome.wanted += len(wanted)
                    outcome.missing += len(wanted - held)
                    outcome.still_in += len(held - wanted)
            before = after
            world.pass_by()
    return outcomes


def _send(audience: Audience, verb: str, rows: Iterable[Row], settings: MetaSettings) -> None:
    """Send rows to the simulator, 10,000 with each request; rows without a cell are none."""
    data = [[cell or "" for cell in row] for row in rows if any(row)]
    for first in range(0, len(data), 10_000):
        payload = {"schema": [*ALONE], "data": data[first : first + 10_000]}
        add_or_remove(Upload(audience, verb, payload, None, 0.0, settings, lambda _: False))


def main() -> None:
    """Print the table."""
    sys.stdout.write("| policy | wrongly missing | wrongly still in |\n| --- | ---: | ---: |\n")
    for name, outcome in simulate(worlds=10, rounds=10, size=3_000).items():
        missing, still_in = outcome.shares
        sys.stdout.write(f"| {name} | {missing:.2%} | {still_in:.2%} |\n")


if __name__ == "__main__":
    main()
