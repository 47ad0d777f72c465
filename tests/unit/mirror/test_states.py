"""The record of what a mirrored audience was sent."""

from __future__ import annotations

from typing import Any

import pytest
from activation.aws.table import ConditionalTable
from activation.errors import ConfigError, Rejected, Retryable
from activation.ledger.keys import audience_key, mirror_key
from activation.mirror.delta import Delta, Part
from activation.mirror.snapshot import Snapshot
from activation.mirror.state import MirrorState, Size
from activation.mirror.states import SIZES_KEPT, MirrorStates

from tests.unit.line.table_in_memory import Repeating, Table

LOCK = audience_key("tiny", "1", "VIP #1")


class Bench:
    """MirrorStates on a table in memory."""

    def __init__(self) -> None:
        self.table = Table()
        self.states = self.on(self.table)

    def on(self, client: Any) -> MirrorStates:
        """Return the states of a table."""
        return MirrorStates(ConditionalTable(client, "ledger"))

    @property
    def item(self) -> dict[str, Any]:
        """Return the item as it stands."""
        return self.table.items[mirror_key(LOCK)]


@pytest.fixture
def bench() -> Bench:
    """Return a fixture on a fresh table."""
    return Bench()


def snapshot(name: str, rows: int = 10) -> Snapshot:
    """Return a snapshot of one piece."""
    return Snapshot((name,), rows, rows, f"{rows}-0000000000000000", ("EMAIL",), "7", cells=True)


def size(run_id: str) -> Size:
    """Return the size after a run."""
    return Size(run_id, 60, 10, 1, 2)


def test_what_is_recorded_is_read_back(bench: Bench) -> None:
    """A delta is pending until its run is committed; the state then has the candidate, and the run's size."""
    delta = Delta("one", Part(("one/removes/0",), ("EMAIL",), 2), Part(("one/adds/0",), ("EMAIL",), 3, 1))
    begun = bench.states.begin(LOCK, bench.states.read(LOCK), delta)
    assert bench.states.read(LOCK) == begun == MirrorState(1, pending=(delta,))
    committed = bench.states.commit(LOCK, begun, snapshot("one/0"), size("one"), mode="difference")
    assert bench.states.read(LOCK) == committed
    assert committed == MirrorState(2, snapshot("one/0"), (), "one", "difference", (size("one"),))
    assert (committed.rows, committed.columns, committed.table_version) == (10, ("EMAIL",), "7")


def test_the_record_has_a_key_of_its_own_and_no_expiry(bench: Bench) -> None:
    """It is not the lock's record, is one of the platform's accounts, and is never deleted by itself."""
    bench.states.begin(LOCK, MirrorState(), Delta("one"))
    assert [*bench.table.items] == ["account#tiny#1#mirror#VIP #1"]
    assert "expires_at" not in bench.item


def test_a_write_that_comes_twice_counts_once(bench: Bench) -> None:
    """The SDK repeats a write whose answer was lost; the second one changes nothing."""
    states = bench.on(Repeating(bench.table))
    states.get_item = bench.table.get_item  # type: ignore[attr-defined]  # reads are not repeated
    begun = states.begin(LOCK, MirrorState(), Delta("one"))
    committed = states.commit(LOCK, begun, snapshot("one/0"), size("one"), mode="replace")
    assert (begun.version, committed.version) == (1, 2)
    assert bench.states.read(LOCK) == committed


def test_a_resumed_run_repeats_what_it_recorded(bench: Bench) -> None:
    """A delta that is pending, and a candidate that is committed, are not recorded again."""
    delta = Delta("one")
    begun = bench.states.begin(LOCK, MirrorState(), delta)
    assert bench.states.begin(LOCK, bench.states.read(LOCK), delta) == begun
    committed = bench.states.commit(LOCK, begun, snapshot("one/0"), size("one"), mode="difference")
    again = bench.states.commit(LOCK, bench.states.read(LOCK), snapshot("one/0"), size("one"), mode="difference")
    assert again == committed
    assert bench.states.commit(LOCK, begun, snapshot("one/0"), size("one"), mode="difference") == committed


def test_a_run_that_another_has_overtaken_compares_again(bench: Bench) -> None:
    """Neither its delta nor its candidate is recorded on top of what it has not compared with."""
    empty = bench.states.read(LOCK)
    begun = bench.states.begin(LOCK, empty, Delta("one"))
    bench.states.begin(LOCK, begun, Delta("two"))
    now = bench.states.read(LOCK)
    assert (now.own_delta("one"), now.own_delta("two")) == (None, Delta("two"))
    with pytest.raises(Retryable, match="mirror_changed"):
        bench.states.begin(LOCK, empty, Delta("three"))
    for state in (begun, now):
        with pytest.raises(Retryable, match="mirror_changed"):
            bench.states.commit(LOCK, state, snapshot("one/0"), size("one"), mode="difference")
    assert bench.states.read(LOCK) == now


def test_the_last_sizes_are_kept(bench: Bench) -> None:
    """A slow leak shows in the sizes after the last 90 runs; the record does not grow beyond them."""
    state = bench.states.read(LOCK)
    for number in range(SIZES_KEPT + 5):
        state = bench.states.commit(LOCK, state, snapshot(str(number)), size(str(number)), mode="difference")
    assert [one.run_id for one in state.sizes] == [str(number) for number in range(5, SIZES_KEPT + 5)]


def test_an_approval_leaves_the_version(bench: Bench) -> None:
    """The run that waits for it may go on with what it has compared."""
    state = bench.states.commit(LOCK, MirrorState(), snapshot("one/0"), size("one"), mode="difference")
    bench.states.approve(LOCK, "two")
    assert bench.states.read(LOCK).approved == "two"
    assert bench.states.begin(LOCK, state, Delta("two")).version == 2


def test_only_a_mirror_is_approved(bench: Bench) -> None:
    """Without a state there is nothing that a run could wait for."""
    with pytest.raises(Rejected, match="not_mirrored"):
        bench.states.approve(LOCK, "one")
    assert bench.table.items == {}


def test_a_newer_releases_record_is_left_alone(bench: Bench) -> None:
    """What an older release does not understand, it neither reads nor takes for a loss."""
    bench.states.begin(LOCK, MirrorState(), Delta("one"))
    bench.item["schema"] = {"N": "2"}
    with pytest.raises(ConfigError, match="newer_state"):
        bench.states.read(LOCK)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pending": [{}]}', '{"snapshot": {"pieces": 1}}'])
def test_a_damaged_record_is_no_empty_one(bench: Bench, text: str) -> None:
    """Who is in the audience is then not known: nothing is compared, and so nobody removed, until a reset."""
    bench.states.begin(LOCK, MirrorState(), Delta("one"))
    bench.item["state"] = {"S": text}
    with pytest.raises(Rejected, match="state_lost"):
        bench.states.read(LOCK)
    state = bench.states.reset(LOCK, "two", snapshot("two/0"), mode="adopted")
    assert bench.states.read(LOCK) == state == MirrorState(2, snapshot("two/0"), (), "two", "adopted")


def test_a_state_names_all_objects_that_it_needs() -> None:
    """Everything else may be deleted: of a snapshot without cells there are keys only."""
    keys_only = Snapshot(("b/0",), 1, 1, "", (), "", cells=False)
    deltas = (
        Delta("a", Part(("a/removes/0",), (), 1), Part(("a/adds/0",), (), 1)),
        Delta("b", replaced_by=keys_only),
    )
    found = MirrorState(snapshot=snapshot("s/0"), pending=deltas).objects()
    pieces = {f"{name}.{kind}" for name in ("s/0", "a/removes/0", "a/adds/0") for kind in ("cells", "keys")}
    assert found == pieces | {"b/0.keys"}
