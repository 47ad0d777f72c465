"""The states of mirrored audiences in the ledger: a record of its own beside each audience's lock, without expiry.

pk         account#<platform>#<account>#mirror#<name>
version    which every write increases, on condition that it is the one that was read
schema     of the record below; one of a newer release is left alone
state      the record, as JSON
approved   the run that may pass the guard
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from activation.aws.table import ConditionalTable, ConditionFailed, Item, read_number, read_text
from activation.errors import ConfigError, Rejected, Retryable
from activation.ledger.keys import mirror_key
from activation.mirror.delta import Delta
from activation.mirror.lost import state_lost
from activation.mirror.snapshot import Snapshot
from activation.mirror.state import MirrorState, Size
from activation.records import DamagedRecord, from_json, to_json

SCHEMA = 1
SIZES_KEPT = 90
_ITEM = "the record of what the audience was sent"


@dataclass(frozen=True)
class _Record:
    """What the item holds as JSON; a fresh one has no field set."""

    snapshot: Snapshot | None = None
    pending: tuple[Delta, ...] = ()
    run_id: str = ""
    mode: str = ""
    sizes: tuple[Size, ...] = ()
    audience_id: str = ""


class MirrorStates:
    """The states of mirrored audiences, in the ledger's table; each write is one conditional update.

    `lock` is the key of the audience's lock, which the caller holds. `clock` returns Unix seconds. Every call
    raises what the table raises.
    """

    def __init__(self, table: ConditionalTable, *, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def read(self, lock: str) -> MirrorState:
        """Return the state; an empty one where nothing was ever recorded.

        Raises ConfigError with newer_state where a newer release wrote it, and Rejected with state_lost where it
        is damaged.
        """
        return _state(self._table.read(mirror_key(lock)) or {})

    def begin(self, lock: str, state: MirrorState, delta: Delta) -> MirrorState:
        """Record a delta as pending, and return the state after it; call it before the first request.

        `state` is the one that was compared with. A delta that is pending already, written by an earlier
        invocation of the same run, is left as it is. Raises Retryable with mirror_changed where another run has
        written the state since: compare again.
        """
        if delta in state.pending:
            return state
        return self._write(lock, state, replace(state, pending=(*state.pending, delta)))

    def commit(
        self,
        lock: str,
        state: MirrorState,
        candidate: Snapshot,
        size: Size,
        *,
        mode: str,
        audience_id: str = "",
        pending: tuple[Delta, ...] = (),
    ) -> MirrorState:
        """Record that the audience holds the candidate, and nothing is pending; return the state after it.

        Call it when all of the delta is acknowledged, or if there is nothing to send. `state` is what `begin`
        returned, or what was compared with; `size.run_id` names the run, `audience_id` the platform's audience.
        A commit that was written already is left as it is, with what others have noted since. `pending` is what
        stays to be done: lines that the platform did not remove, as adds, since they may be in the audience and
        are not wanted. Raises Retryable with mirror_changed where another run has written the state since.
        """
        if (state.run_id, state.snapshot) == (size.run_id, candidate):
            return state
        runs = [delta.run_id for delta in state.pending]
        if size.run_id in runs and runs[-1] != size.run_id:
            raise _changed()
        after = replace(
            state,
            snapshot=candidate,
            pending=pending,
            run_id=size.run_id,
            mode=mode,
            sizes=(*state.sizes, size)[-SIZES_KEPT:],
            audience_id=audience_id,
        )
        return self._write(lock, state, after)

    def erase(self, lock: str, state: MirrorState, erased: MirrorState) -> MirrorState:
        """Record a state without some people in place of the one that was read, and return it.

        Raises Retryable with mirror_changed where another run has written the state since.
        """
        return self._write(lock, state, erased)

    def approve(self, lock: str, run_id: str) -> None:
        """Let a run pass the guard; the version stays. Raises Rejected with not_mirrored without a state."""
        try:
            self._table.update(
                mirror_key(lock),
                "SET approved = :run",
                {":run": {"S": run_id}},
                condition="attribute_exists(version)",
            )
        except ConditionFailed:
            missing = Rejected("not_mirrored", "nothing is recorded of a mirror of this audience")
        else:
            return
        raise missing

    def reset(
        self, lock: str, run_id: str, snapshot: Snapshot | None = None, *, mode: str = "reset"
    ) -> MirrorState:
        """Forget what is known, or take the audience to hold a snapshot, whatever stands there; return the state.

        Without a snapshot the next run adds all of its list, and removes nobody.
        """
        version = int(read_number(self._table.read(mirror_key(lock)) or {}, "version"))
        state = MirrorState(version=version)
        return self._write(lock, state, replace(state, snapshot=snapshot, run_id=run_id, mode=mode))

    def _write(self, lock: str, before: MirrorState, after: MirrorState) -> MirrorState:
        """Write a state after another; the same write twice, as the SDK repeats one, is harmless."""
        record = to_json(
            _Record(after.snapshot, after.pending, after.run_id, after.mode, after.sizes, after.audience_id)
        )
        seen = {":seen": {"N": str(before.version)}} if before.version else {}
        try:
            item = self._table.update(
                mirror_key(lock),
                "SET version = :next, #schema = :schema, #state = :state",
                {
                    **seen,
                    ":next": {"N": str(before.version + 1)},
                    ":schema": {"N": str(SCHEMA)},
                    ":state": {"S": record},
                },
                condition="version = :seen" if seen else "attribute_not_exists(version)",
                names={"#schema": "schema", "#state": "state"},
            )
        except ConditionFailed as failed:
            item = failed.item
        if read_text(item, "state") == record and int(read_number(item, "version")) == before.version + 1:
            return _state(item)
        raise _changed()


def _changed() -> Retryable:
    return Retryable(
        "mirror_changed", "another run has changed what is known of the audience since; compare again"
    )


def _state(item: Item) -> MirrorState:
    if not item:
        return MirrorState()
    if read_number(item, "schema") > SCHEMA:
        raise ConfigError(
            "newer_state",
            f"{_ITEM} was written by a newer release of this app, so nobody was removed; deploy that release",
        )
    try:
        record = from_json(read_text(item, "state"), _Record)
    except DamagedRecord:
        record = None
    version = int(read_number(item, "version"))
    if record is None or version < 1:
        raise state_lost(f"{_ITEM} is damaged")
    return MirrorState(
        version,
        record.snapshot,
        record.pending,
        record.run_id,
        record.mode,
        record.sizes,
        record.audience_id,
        read_text(item, "approved"),
    )
