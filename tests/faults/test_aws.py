"""What AWS does wrong: S3 and DynamoDB are busy, break off, lose their answers, or refuse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.line import Line
from tests.faults.scenario import BATCH_ROWS, SETTINGS, Scenario

READ = {"service": "s3", "action": "GetObject*", "caller": "lambda", "resource": "people.csv"}
WRITE = {"service": "dynamodb", "action": "UpdateItem", "caller": "lambda"}


def _applied(line: Line) -> int:
    return sum(line.sandbox.aws_faults_applied())


@pytest.mark.faults
@pytest.mark.case("F52", what="S3 asks to slow down, six times")
def test_s3_that_is_busy_is_asked_again(scenario: Scenario) -> None:
    """The SDK repeats the read a few times, the run some more; every row is sent once."""
    line = scenario.line
    line.sandbox.aws_faults({**READ, "status": 503, "code": "SlowDown", "times": 6})
    put, some = scenario.start()
    scenario.check(put, len(some), some)
    assert _applied(line) == 6


@pytest.mark.case("F52", what="S3 cuts off bodies, three times")
def test_a_body_that_breaks_off_is_read_on_from_there(scenario: Scenario) -> None:
    """The reader asks for the rest by range, of the same version, and no row is lost or read twice."""
    line = scenario.line
    line.sandbox.aws_faults({**READ, "truncate_bytes": 20_000, "times": 3})
    put, some = scenario.start()
    scenario.check(put, len(some), some)
    assert _applied(line) == 3


@pytest.mark.case("F52", what="S3 closes connections before it has answered, twice")
def test_a_connection_that_s3_closes_is_opened_again(scenario: Scenario) -> None:
    """A read changes nothing, so it is repeated."""
    line = scenario.line
    line.sandbox.aws_faults({**READ, "drop": "before", "times": 2})
    put, some = scenario.start()
    scenario.check(put, len(some), some)
    assert _applied(line) == 2


@pytest.mark.faults
@pytest.mark.case("F52", what="S3 stalls for longer than the client waits")
def test_s3_that_stalls_is_left_and_asked_again(scenario: Scenario) -> None:
    """Every call has a timeout, so a stalled read costs seconds and not the invocation."""
    line = scenario.line
    line.sandbox.aws_faults({**READ, "delay_s": 25.0, "times": 1})
    put, some = scenario.start(4)
    scenario.check(put, len(some), some)
    assert _applied(line) == 1


@pytest.mark.case("F52", what="the version is gone when the message is read")
def test_a_version_that_is_gone_is_no_retry_storm(scenario: Scenario) -> None:
    """The receipt says that the object is gone; a delete marker on top of a version does not hide it."""
    line = scenario.line
    s3, bucket = line.sandbox.client("s3"), line.sandbox.described["drops_bucket"]
    with line.held_back():
        gone, _ = scenario.start(1)
        s3.delete_object(Bucket=bucket, Key=gone.key, VersionId=gone.version_id)
    receipt = line.finish(gone)
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "object_gone")
    line.wait_until_quiet()
    assert line.dead_letters() == []
    assert line.calls("") == []
    some = scenario.people(BATCH_ROWS, part="hidden")
    with line.held_back():
        hidden, _ = scenario.start(1)
        s3.delete_object(Bucket=bucket, Key=hidden.key)
    scenario.account(line.finish(hidden), len(some))
    scenario.bound()


@pytest.mark.case("F52", what="S3 refuses access")
def test_a_drop_that_may_not_be_read_blocks(scenario: Scenario) -> None:
    """A missing permission is a person's to mend: one attempt, a code, and a redrive afterwards."""
    line = scenario.line
    line.sandbox.aws_faults({**READ, "status": 403, "code": "AccessDenied"})
    put, some = scenario.start(2)
    receipt = line.finish(put)
    assert receipt["state"] == "blocked"
    assert _applied(line) <= 2
    line.sandbox.aws_faults()
    line.redrive()
    line.wait_until_quiet()
    scenario.check(put, len(some), some)


@pytest.mark.faults
@pytest.mark.case("F65", what="DynamoDB throttles, four times")
def test_a_throttled_ledger_is_asked_again(scenario: Scenario) -> None:
    """The SDK's retries are enough, and no batch is sent without its place in the ledger."""
    line = scenario.line
    code = "ProvisionedThroughputExceededException"
    line.sandbox.aws_faults({**WRITE, "status": 400, "code": code, "skip": 2, "times": 4})
    put, some = scenario.start()
    scenario.check(put, len(some), some)
    assert _applied(line) == 4


CLAIM = {**WRITE, "action": "TransactWriteItems", "resource": "lease_token"}  # with the audience's lock


@pytest.mark.case("F65", what="DynamoDB writes the claim of the lease and loses the answer")
def test_a_claim_whose_answer_is_lost_is_known_as_ones_own(scenario: Scenario) -> None:
    """The repeated claim is known by its token, and the worker does not wait for itself."""
    line = scenario.line
    line.sandbox.aws_faults({**CLAIM, "status": 500, "code": "InternalServerError", "after": True, "times": 2})
    put, some = scenario.start()
    receipt = scenario.check(put, len(some), some)
    assert (receipt["continuations"], line.simulated_s) == (0, 0)
    assert _applied(line) == 2


@pytest.mark.case("F65", what="DynamoDB records batches and loses the answers")
def test_a_step_whose_answer_is_lost_is_not_taken_twice(scenario: Scenario) -> None:
    """Writing the same progress again changes nothing: every batch is counted once."""
    line = scenario.line
    lost: dict[str, Any] = {**WRITE, "resource": "rows_acknowledged", "drop": "after", "times": 1}
    line.sandbox.aws_faults({**lost, "skip": 2}, {**lost, "skip": 3}, {**lost, "skip": 3})
    put, some = scenario.start()
    receipt = scenario.check(put, len(some), some)
    assert receipt["batches"] == len(line.calls()) == 12 * scenario.uploads
    assert _applied(line) == 3


@pytest.mark.faults
@pytest.mark.case("F65", what="DynamoDB fails for longer than the SDK retries, in the middle of a file")
def test_a_ledger_that_fails_for_long_brings_the_message_back(scenario: Scenario) -> None:
    """What was acknowledged and could not be recorded is in doubt, and the platform is asked about it."""
    line = scenario.line
    put, some = scenario.start(8, latency_s=0.4)
    line.wait_for_calls(3)
    line.sandbox.aws_faults({**WRITE, "status": 500, "code": "InternalServerError", "times": 9})
    scenario.check(put, len(some), some, lost=1)


@pytest.mark.faults
@pytest.mark.case("F65", what="the ledger's table is missing")
def test_a_ledger_that_is_missing_sends_nothing(scenario: Scenario) -> None:
    """Without its ledger the function does not send, and the message comes back until there is one."""
    line = scenario.line
    line.configure(0, {**SETTINGS, "LEDGER_TABLE": "no-such-table"})
    put, some = scenario.start(2)
    line.wait_until_put_off()
    assert line.calls("") == []
    line.configure(0, SETTINGS)
    scenario.check(put, len(some), some)
    assert line.dead_letters() == []


@pytest.mark.faults
@pytest.mark.case("F65", what="the event bus and the receipts bucket fail after the last batch")
def test_what_comes_after_the_last_batch_may_fail(scenario: Scenario) -> None:
    """A receipt, an event or a message that could not be written is written later; no batch is sent for it."""
    line = scenario.line
    broken = {"caller": "lambda", "status": 500, "code": "InternalError", "times": 5}
    line.sandbox.aws_faults(
        {**broken, "service": "events", "action": "PutEvents"},
        {**broken, "service": "s3", "action": "PutObject*", "resource": "receipts/"},
    )
    put, some = scenario.start(4)
    scenario.check(put, len(some), some)
    assert len(line.calls()) == 4 * scenario.uploads
