"""The change that a drop makes to its list: merged, written under names of its own, then named by the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from activation.errors import Retryable
from activation.ledger.suppression_lists import (
    StoredSet,
    SuppressionList,
    SuppressionLists,
    SuppressionRecord,
    unreadable,
)
from activation.suppression.listed import NOBODY, Listed
from activation.suppression.store import ListGone, ListStore

_TRIES = 5


@dataclass(frozen=True)
class Changed:
    """How a list has changed: identifiers before and after, for the platform that has most of them."""

    before: int
    after: int


@dataclass(frozen=True)
class ListChange:
    """One run's change of one list.

    `record` and `store` are where lists are, `name` is the list's and `run_id` the run's. `heads` are what the
    drop holds, by platform; they leave the list if `lifts` is set, and join it otherwise.
    """

    record: SuppressionRecord
    store: ListStore
    name: str
    run_id: str
    heads: Mapping[str, Listed]
    lifts: bool

    def apply(self) -> Changed:
        """Make the change once, however often it is called; return what it came to.

        Raises Retryable with suppressions_changed where other lists changed each time it was tried, and with
        suppressions_unreadable where the list as it is cannot be read: then it stays as it is.
        """
        for attempt in range(_TRIES):
            lists = self.record.read()
            own = lists.lists.get(self.name, SuppressionList())
            if self.run_id in own.runs:
                size = _size(own.sets)
                return Changed(size, size)
            try:
                after = self._after(lists, own, f"{self.run_id}-{lists.version + 1}")
            except ListGone:
                continue
            try:
                self.record.write(lists, after)
            except Retryable as error:
                if error.code != "suppressions_changed" or attempt == _TRIES - 1:
                    raise
                continue
            self.store.delete(lists.before)
            return Changed(_size(own.sets), _size(after.lists[self.name].sets))
        raise unreadable("an object of the suppression lists is missing")

    def _after(self, lists: SuppressionLists, own: SuppressionList, folder: str) -> SuppressionLists:
        sets, whole = {}, {}
        others = [one for name, one in lists.lists.items() if name != self.name and one.sets]
        for platform, heads in self.heads.items():
            if own.sets and platform not in own.sets:
                continue  # whom the list held before is not known for a platform that is new since
            before = self.store.read(own.sets[platform]) if own.sets else NOBODY
            changed = before.without(heads) if self.lifts else before.joined([heads])
            sets[platform] = self.store.write(f"{folder}/list", platform, changed)
            if all(platform in one.sets for one in others):
                rest = [self.store.read(one.sets[platform]) for one in others]
                whole[platform] = self.store.write(folder, platform, changed.joined(rest))
        return lists.with_list(self.name, own.changed(self.run_id, sets), whole)


def _size(sets: Mapping[str, StoredSet]) -> int:
    return max((one.heads for one in sets.values()), default=0)
