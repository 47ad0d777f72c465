"""The record that says which suppression lists hold: without expiry, replaced as a whole by each accepted drop.

pk         suppressions#lists
version    which every write increases, on condition that it is the one that was read
schema     of the record below; one of a newer release is left alone
state      the record, as JSON

What a list holds is in the bucket of mirrors: an object for each platform, written before the record names it and
never written again. Connectors read the record and may not write it (stacks/permissions.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from activation.aws.table import ConditionalTable, ConditionFailed, Item, read_number, read_text
from activation.errors import ConfigError, Retryable
from activation.records import DamagedRecord, from_json, to_json

NAME = "suppressions"  # what the keys of drops begin with, so that no connector may be called so
KEY = f"{NAME}#lists"
SCHEMA = 1
RUNS_KEPT = 50


@dataclass(frozen=True)
class StoredSet:
    """An object with a set of heads: its key, how many it holds, and the SHA-256 of its bytes in hexadecimal."""

    key: str
    heads: int
    sha256: str


@dataclass(frozen=True)
class SuppressionList:
    """One list: its set for each platform, and the newest runs that changed it, the last one last."""

    sets: Mapping[str, StoredSet] = field(default_factory=dict)
    runs: tuple[str, ...] = ()

    def changed(self, run_id: str, sets: Mapping[str, StoredSet]) -> SuppressionList:
        """Return the list after a run."""
        return SuppressionList(sets, (*self.runs, run_id)[-RUNS_KEPT:])


@dataclass(frozen=True)
class _State:
    """What the item holds as JSON."""

    lists: Mapping[str, SuppressionList] = field(default_factory=dict)
    whole: Mapping[str, StoredSet] = field(default_factory=dict)
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class SuppressionLists:
    """All lists by name, and `whole`: what all of them hold together, by platform, which is what connectors ask.

    `version` is 0 where there was never a list. `before` are the keys of objects that the version before named and
    this one does not: a connector may be reading them still, so the next write deletes them.
    """

    version: int = 0
    lists: Mapping[str, SuppressionList] = field(default_factory=dict)
    whole: Mapping[str, StoredSet] = field(default_factory=dict)
    before: tuple[str, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """Return the keys of all objects that the lists are in."""
        of_lists = (one.key for each in self.lists.values() for one in each.sets.values())
        return frozenset((*of_lists, *(one.key for one in self.whole.values())))

    def with_list(self, name: str, changed: SuppressionList, whole: Mapping[str, StoredSet]) -> SuppressionLists:
        """Return the lists with one of them changed; a list that holds nobody is kept, with its runs."""
        after = SuppressionLists(self.version + 1, {**self.lists, name: changed}, whole)
        return replace(after, before=tuple(sorted(self.keys - after.keys)))


@dataclass(frozen=True)
class SuppressionRecord:
    """The record in the ledger's `table`. Every call raises what the table raises."""

    table: ConditionalTable

    def read(self) -> SuppressionLists:
        """Return the lists; none of them where nobody was ever suppressed.

        Raises ConfigError with newer_state where a newer release wrote the record, and Retryable with
        suppressions_unreadable where it is damaged: what cannot be read is never taken for no list.
        """
        return _read(self.table.read(KEY) or {})

    def write(self, before: SuppressionLists, after: SuppressionLists) -> None:
        """Replace what was read by what follows it.

        Raises Retryable with suppressions_changed where another run has written the record since: merge again.
        """
        state = to_json(_State(after.lists, after.whole, after.before))
        seen = {":seen": {"N": str(before.version)}} if before.version else {}
        try:
            item = self.table.update(
                KEY,
                "SET version = :next, #schema = :schema, #state = :state",
                {
                    **seen,
                    ":next": {"N": str(after.version)},
                    ":schema": {"N": str(SCHEMA)},
                    ":state": {"S": state},
                },
                condition="version = :seen" if seen else "attribute_not_exists(version)",
                names={"#schema": "schema", "#state": "state"},
            )
        except ConditionFailed as failed:
            item = failed.item  # the SDK may have sent the write twice
        if read_text(item, "state") != state or int(read_number(item, "version")) != after.version:
            raise Retryable("suppressions_changed", "another run has changed the lists since", after_s=1)


def unreadable(what: str) -> Retryable:
    """Return the error that keeps a run from sending anything while the lists cannot be read."""
    return Retryable(
        "suppressions_unreadable",
        f"{what}; nothing is sent to anybody until the suppression lists can be read: the run tries again by"
        " itself, see docs/suppression.md for how to restore a list",
        after_s=60,
    )


def _read(item: Item) -> SuppressionLists:
    if not item:
        return SuppressionLists()
    if read_number(item, "schema") > SCHEMA:
        raise ConfigError(
            "newer_state",
            "the suppression lists were written by a newer release of this app, so nothing is sent; deploy that"
            " release",
        )
    try:
        state = from_json(read_text(item, "state"), _State)
    except DamagedRecord:
        state = None
    version = int(read_number(item, "version"))
    if state is None or version < 1:
        raise unreadable("the record of the suppression lists in the ledger is damaged")
    return SuppressionLists(version, state.lists, state.whole, state.before)
