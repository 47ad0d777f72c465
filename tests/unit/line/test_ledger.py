"""The ledger's records, in DynamoDB's words and in those of the table in memory."""

from __future__ import annotations

from collections import Counter

import pytest
from activation.aws.lease import LeaseHeld, LeaseLost
from activation.aws.table import ConditionalTable
from activation.drops.reading import Reading
from activation.drops.survey import Passage, Survey
from activation.errors import ConfigError, Retryable
from activation.identifiers.table import Context
from activation.ledger.checkpoint import Checkpoint
from activation.ledger.file_plan import FilePlan
from activation.ledger.progress import Attempts, Progress
from activation.ledger.runs import Ledger, RunState
from activation.ledger.split import Ending, Phase, RunSplit
from activation.ledger.tally import Tally
from activation.ledger.units import LeftOut, Unit
from activation.model import Cursor
from activation.platforms.publisher import Opened

from tests.unit.line.aws_in_memory import refusal
from tests.unit.line.table_in_memory import Repeating
from tests.unit.line.watched_aws import Aws, Clock
from tests.unit.line.world import NAMES

FACTS = {"audience": "été", "object_key": "meta/vip/raw/a+b.csv"}


class Bench:
    """A ledger with a clock, and a name of its own in the table."""

    def __init__(self, aws: Aws) -> None:
        self.clock = Clock()
        self.table = ConditionalTable(aws.dynamodb, "ledger")
        self.run_id = f"run{next(NAMES)}"
        self.ledger = Ledger(self.table, "tiny", lease_s=100, ttl_days=2, clock=self.clock)


@pytest.fixture
def bench(aws: Aws) -> Bench:
    """Return a fixture on fresh tables."""
    return Bench(aws)


def test_a_claim_makes_the_record_and_a_save_changes_it(bench: Bench) -> None:
    """What was saved is read back as it was, numbers, texts and progress."""
    run = bench.ledger.claim(bench.run_id, 0, FACTS)
    assert (run.fence, run.state, run.continuation, run.started_at) == (1, RunState.RUNNING, 0, bench.clock())
    run.progress = Progress(
        Checkpoint(
            cursor=Cursor(7, 123),
            ahead={Unit(8, 14, "1", "01"), Unit(8, 14, "0")},
            in_doubt={Unit(15, 21, "0")},
            suspects=2,
            read_whole=True,
            handles={"000000000001/0/": "h1"},
        ),
        Tally(
            acknowledged=5,
            rejected_by_us=Counter({"no_identifier": 2}),
            left_out={"PHONE": {"too_short": LeftOut(3, (1, 2, 5))}},
            verdicts={"h1": {"bad": 1}},
        ),
        FilePlan(
            etag='"abc"',
            reading=Reading(Context("DE", frozenset({"x"})), "utf-8", ";"),
            split=RunSplit(Phase.SEND, 2, 100, 1.5, ((0, 0, 5), (5, 50, 5)), ending=Ending("failed", "a", "b")),
            survey=Survey(1, Passage(records=3), Passage(broken=True)),
        ),
        Attempts(starts=1, created=True),
    )
    run.opened = Opened("a1", created=True, state={"session": "7"}, notes={"code": "text"}, by_upload=True)
    run.state, run.code, run.sentence = RunState.WAITING, "throttled", "slow down"
    run.not_before, run.no_progress = bench.clock() + 0.1234, 3
    bench.clock.pass_s(60)
    bench.ledger.save(run)
    read = bench.ledger.read(bench.run_id)
    assert read is not None
    assert read.not_before == pytest.approx(run.not_before, abs=0.001)
    read.not_before = run.not_before
    assert read == run
    assert read.lease_until == bench.clock() + 100
    item = bench.table.read(bench.ledger.key(bench.run_id))
    assert item is not None
    assert (item["audience"]["S"], item["rows_acknowledged"]["N"]) == ("été", "5")
    assert int(item["expires_at"]["N"]) == int(bench.clock() + 100) + 2 * 86_400


def test_a_held_lease_is_refused_until_it_ends(bench: Bench) -> None:
    """Another worker is told how long; after that it takes over with a higher fence and finds the progress."""
    run = bench.ledger.claim(bench.run_id, 0, FACTS)
    run.progress.tally.acknowledged = 9
    bench.ledger.save(run)
    bench.clock.pass_s(40)
    with pytest.raises(LeaseHeld) as held:
        bench.ledger.claim(bench.run_id, 0, FACTS)
    assert held.value.for_s == pytest.approx(60)
    bench.clock.pass_s(60.01)
    taken = bench.ledger.claim(bench.run_id, 4, {"audience": "other"})
    assert (taken.fence, taken.continuation, taken.progress.tally.acknowledged) == (2, 4, 9)
    assert taken.started_at == run.started_at
    item = bench.table.read(taken.pk)
    assert item is not None
    assert item["audience"]["S"] == "été"


def test_a_claim_repeated_after_a_lost_answer_is_recognised(bench: Bench, aws: Aws) -> None:
    """The SDK's repetition gets the lease of its own first try, and another worker's is refused."""
    table = ConditionalTable(Repeating(aws.dynamodb), "ledger")  # type: ignore[arg-type]  # only what is called
    repeating = Ledger(table, "tiny", lease_s=100, ttl_days=2, clock=bench.clock)
    run = repeating.claim(bench.run_id, 0, FACTS)
    assert (run.fence, run.lease_until) == (1, bench.clock() + 100)
    for another in (bench.ledger, repeating):
        with pytest.raises(LeaseHeld):
            another.claim(bench.run_id, 0, FACTS)
    repeating.save(run, release=True)
    assert bench.ledger.claim(bench.run_id, 1, FACTS).fence == 2


def test_who_was_taken_over_from_can_write_nothing(bench: Bench) -> None:
    """Neither a renewal nor a release of the old holder is taken."""
    old = bench.ledger.claim(bench.run_id, 0, FACTS)
    bench.clock.pass_s(101)
    new = bench.ledger.claim(bench.run_id, 0, FACTS)
    for release in (False, True):
        with pytest.raises(LeaseLost):
            bench.ledger.save(old, release=release)
    bench.ledger.save(new)


def test_a_released_run_can_be_claimed_at_once(bench: Bench) -> None:
    """Releasing ends the lease, and the record expires from then on."""
    run = bench.ledger.claim(bench.run_id, 0, FACTS)
    run.state = RunState.APPLIED
    bench.ledger.save(run, release=True)
    assert run.lease_until == 0
    item = bench.table.read(run.pk)
    assert item is not None
    assert int(item["expires_at"]["N"]) == int(bench.clock()) + 2 * 86_400
    assert bench.ledger.claim(bench.run_id, 1, FACTS).state is RunState.APPLIED


@pytest.mark.parametrize("state", list(RunState))
def test_every_record_of_a_run_expires(bench: Bench, state: RunState) -> None:
    """A run that stopped, or that nobody continues, is forgotten like one that ended well."""
    run = bench.ledger.claim(bench.run_id, 0, FACTS)
    claimed = bench.table.read(run.pk)
    run.state = state
    bench.ledger.save(run, release=True)
    for item in (claimed, bench.table.read(run.pk)):
        assert item is not None
        assert 0 <= int(item["expires_at"]["N"]) - bench.clock() - 2 * 86_400 <= 100


def test_a_save_that_failed_has_renewed_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The holder does not believe in a lease that the table may not have."""
    run = bench.ledger.claim(bench.run_id, 0, FACTS)

    def fail(*_: object, **__: object) -> None:
        raise Retryable("ledger", "no")

    bench.clock.pass_s(50)
    with monkeypatch.context() as patch:
        patch.setattr(bench.table, "update", fail)
        with pytest.raises(Retryable):
            bench.ledger.save(run)
    assert bench.ledger.lease_left_s(run) == 50


def test_a_record_of_a_newer_release_stops_the_reader(bench: Bench) -> None:
    """What is not understood is not guessed at."""
    run = bench.ledger.claim(bench.run_id, 0, FACTS)
    bench.table.update(
        run.pk,
        "SET #s = :two",
        {":two": {"N": "3"}},
        condition="attribute_not_exists(absent)",
        names={"#s": "schema"},
    )
    with pytest.raises(ConfigError, match="newer_ledger"):
        bench.ledger.read(bench.run_id)


def test_there_is_no_run_before_the_first_claim(bench: Bench) -> None:
    """Reading makes nothing."""
    assert bench.ledger.read("never") is None


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("step", ["claim", "save"])
def test_an_update_that_was_applied_but_not_answered_is_ones_own(
    in_memory: Aws, step: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK repeats the call; the record that stands in its way is recognised by its token or its fence."""
    bench = Bench(in_memory)
    run = bench.ledger.claim(bench.run_id, 0, FACTS) if step == "save" else None
    raw = in_memory.dynamodb.update_item

    def repeat(**arguments: object) -> object:
        for _ in range(times):
            raw(**arguments)  # its answer is lost
        return raw(**arguments)

    if step == "claim":
        applied: list[object] = []

        def claim(**arguments: object) -> object:
            if not applied:
                applied.append(raw(**arguments))
            return raw(**arguments)

        monkeypatch.setattr(in_memory.dynamodb, "update_item", claim, raising=False)
        assert bench.ledger.claim(bench.run_id, 0, FACTS).fence == 1
        return
    assert run is not None
    monkeypatch.setattr(in_memory.dynamodb, "update_item", repeat, raising=False)
    run.progress.tally.acknowledged = 4
    bench.ledger.save(run)
    read = bench.ledger.read(bench.run_id)
    assert read is not None
    assert read.progress.tally.acknowledged == 4


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ProvisionedThroughputExceededException", Retryable),
        ("InternalServerError", Retryable),
        ("ResourceNotFoundException", ConfigError),
        ("AccessDeniedException", ConfigError),
    ],
)
def test_dynamodbs_refusals_are_told_apart(in_memory: Aws, code: str, error: type[Exception]) -> None:
    """A busy table is waited for, a missing or forbidden one is a matter for a person."""
    bench = Bench(in_memory)

    def fail(name: str, _: object) -> None:
        raise refusal(name, code)

    in_memory.before.append(fail)
    with pytest.raises(error, match="ledger"):
        bench.ledger.read("x")
    with pytest.raises(error, match="ledger"):
        bench.ledger.claim("x", 0, {})


@pytest.fixture
def in_memory() -> Aws:
    """Return an AWS to inject faults into."""
    return Aws.in_memory()
