"""Random histories of a mirror: runs die anywhere, are resumed or not, and answers are lost or come twice.

The states are kept by the real MirrorStates; the platform is a set of lines, and refuses to remove some. After
each request, what is really there has to lie between the bounds of the state, and after a run that has ended, to
be what it wanted, and what the platform refused to remove.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from activation.aws.table import ConditionalTable
from activation.errors import Retryable
from activation.mirror.delta import Delta, Part
from activation.mirror.snapshot import Snapshot
from activation.mirror.state import MirrorState, Size
from activation.mirror.states import MirrorStates

from tests.unit.line.table_in_memory import Table

LOCK = "account#tiny#1#audience#list"
LINES = 5
Choose = Callable[[int], int]  # returns a number below the given one


class Broken(Exception):
    """An invariant does not hold."""


class Died(Exception):
    """The worker has died, or an answer was lost."""


@dataclass(frozen=True)
class Rule:
    """The rule of a run; each field is a mistake that could be made in it."""

    ignores_pending: bool = False
    records_late: bool = False
    commits_unfinished: bool = False
    commits_on_top: bool = False
    forgets_refused: bool = False


@dataclass
class Run:
    """A run: what it wants, which requests of its present delta are acknowledged, and which lines were refused."""

    run_id: str
    wanted: frozenset[int]
    delta: Delta | None = None
    acknowledged: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)


class _Losing:
    """A table whose answers are lost now and then, after the write, or which dies before it."""

    def __init__(self, table: Table, choose: Choose) -> None:
        self._table = table
        self._choose = choose
        self.get_item = table.get_item

    def update_item(self, **arguments: Any) -> dict[str, Any]:
        """Write; or lose the answer, die before, or write twice as the SDK does."""
        fate = self._choose(12)
        if fate == 0:
            raise Died
        answer = self._table.update_item(**arguments)
        if fate == 1:
            raise Died
        return self._table.update_item(**arguments) if fate == 2 else answer


class World:
    """An audience at a platform, and what is known of it."""

    def __init__(self, choose: Choose, rule: Rule) -> None:
        self.choose = choose
        self.rule = rule
        self.there: set[int] = set()
        self.parts: dict[str, frozenset[int]] = {}
        self._names = itertools.count()
        client: Any = _Losing(Table(), choose)
        self.states = MirrorStates(ConditionalTable(client, "ledger"), clock=lambda: 0.0)

    def kept(self, lines: frozenset[int]) -> str:
        """Keep lines under a name."""
        name = f"part{next(self._names)}"
        self.parts[name] = lines
        return name

    def _part(self, lines: frozenset[int]) -> Part:
        return Part((self.kept(lines),), (), len(lines))

    def lines_of(self, part: Part | Snapshot | None) -> frozenset[int]:
        """Return the lines of a part."""
        return self.parts[part.pieces[0]] if part else frozenset()

    def bounds(self, state: MirrorState, *, ignoring: bool = False) -> tuple[frozenset[int], frozenset[int]]:
        """Return the lines that surely are in the audience, and those that may be."""
        surely = may = self.lines_of(state.snapshot)
        for delta in () if ignoring else state.pending:
            surely -= self.lines_of(delta.removes)
            may |= self.lines_of(delta.adds)
        return surely, may

    def check(self) -> None:
        """Raise Broken where what is there is not between the bounds."""
        surely, may = self.bounds(self.states.read(LOCK))
        if not surely <= self.there <= may:
            raise Broken(f"{sorted(surely)} <= {sorted(self.there)} <= {sorted(may)}")

    def invoke(self, run: Run) -> bool:
        """Work on a run until it has ended or dies; return whether it has ended."""
        state = self.states.read(LOCK)
        mine = all(delta.run_id == run.run_id for delta in state.pending)
        if state.run_id == run.run_id and mine and self.lines_of(state.snapshot) == run.wanted:
            return True  # committed already, and the answer was lost
        delta = run.delta if self.rule.commits_on_top else state.own_delta(run.run_id)
        if delta is None:
            surely, may = self.bounds(state, ignoring=self.rule.ignores_pending)
            delta = Delta(run.run_id, self._part(may - run.wanted), self._part(run.wanted - surely))
            if not self.rule.records_late:
                state = self.states.begin(LOCK, state, delta)
        if delta != run.delta:
            run.delta, run.acknowledged, run.refused = delta, set(), set()
        finished = self._send(run, delta)
        if not finished and not self.rule.commits_unfinished:
            return False
        if self.rule.records_late:
            state = self.states.begin(LOCK, state, delta)
        if self.rule.commits_on_top:
            state = self.states.read(LOCK)
            state = replace(state, pending=tuple(one for one in state.pending if one == delta))
        candidate = Snapshot((self.kept(run.wanted),), len(run.wanted), len(run.wanted), "", (), "", cells=True)
        kept = run.refused if not self.rule.forgets_refused else set()
        self.states.commit(
            LOCK,
            state,
            candidate,
            Size(run.run_id, 0, len(run.wanted), 0, 0),
            mode="difference",
            pending=(Delta(run.run_id, adds=self._part(frozenset(kept))),) if kept else (),
        )
        return True

    def _send(self, run: Run, delta: Delta) -> bool:
        """Send what is not acknowledged; return False where the run ends before it is."""
        for number, (line, adds) in enumerate(self._requests(delta)):
            if number in run.acknowledged:
                continue
            fate = self.choose(14)
            if fate == 0:
                return False
            if fate == 1:
                raise Died
            if not adds and not self.choose(8):
                run.refused.add(line)
                run.acknowledged.add(number)
                continue
            change = self.there.add if adds else self.there.discard
            change(line)
            self.check()
            if fate == 2:
                raise Died
            if fate == 3:
                change(line)
            run.acknowledged.add(number)
        return True

    def _requests(self, delta: Delta) -> Iterator[tuple[int, bool]]:
        for part, adds in ((delta.removes, False), (delta.adds, True)):
            for line in sorted(self.lines_of(part)):
                yield line, adds


def history(choose: Choose, rule: Rule) -> int:
    """Live through a history; return how many runs ended, and raise Broken where the rule does not hold."""
    world = World(choose, rule)
    ended = 0
    unfinished: list[Run] = []
    for number in range(2 + choose(6)):
        if unfinished and not choose(4):
            run = unfinished.pop(choose(len(unfinished)))  # redriven, perhaps after others
        else:
            run = Run(f"run{number}", frozenset(line for line in range(LINES) if choose(2)))
        for _ in range(1 + choose(4)):
            try:
                has_ended = world.invoke(run)
            except (Died, Retryable):
                has_ended = False
            world.check()
            if has_ended:
                if not run.wanted <= world.there <= run.wanted | run.refused:
                    raise Broken(f"{sorted(world.there)} are there, and {sorted(run.wanted)} are wanted")
                ended += 1
                break
        else:
            unfinished.append(run)
    return ended
