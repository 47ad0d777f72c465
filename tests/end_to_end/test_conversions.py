"""Conversions through the deployed app: each counted once, or as often again as the receipt says."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.platforms.meta.settings import DEFAULT_DATASET
from tests.end_to_end.conversions import Conversions, cents_of, sales
from tests.end_to_end.driver import Sandbox
from tests.end_to_end.evidence import Evidence
from tests.end_to_end.people import people

VISIBILITY_S = 1_800
CALLS_BEFORE_A_CRASH = 3
IN_FLIGHT = 2


@pytest.fixture
def conversions(sandbox: Sandbox, evidence: Evidence) -> Iterator[Conversions]:
    """Return the connector of conversions; after the test nobody's data may be found outside of it."""
    line = Conversions.of(sandbox)
    line.reset()
    yield line
    assert evidence.search() == []
    line.reset()


@pytest.mark.parametrize(
    "deduplicates", [True, pytest.param(False, marks=pytest.mark.faults)], ids=["deduplicates", "counts again"]
)
@pytest.mark.parametrize(
    ("rows", "per_request"),
    [(4_000, 250), pytest.param(100_000, 1_000, marks=[pytest.mark.faults, pytest.mark.timeout(600)])],
    ids=["4,000", "100,000"],
)
def test_events_survive_two_crashes_and_a_replay(
    conversions: Conversions,
    rows: int,
    per_request: int,
    deduplicates: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where Meta recognises an id each event counts once, and else no more twice than are in doubt; none is lost.

    Workers are killed with requests in flight, the second time the message is lost as well, so that the replay
    has to resume the run. Another replay sends nothing.
    """
    line, since = conversions, datetime.now(tz=UTC)
    line.configure(0, {"REQUESTS_IN_FLIGHT": str(IN_FLIGHT), "MAX_ROWS_PER_REQUEST": str(per_request)})
    line.sandbox.simulator_config(line.platform, deduplicates=deduplicates, latency_s=0.4)
    put = line.put_sales(sales(people(rows, "sales", phones=False)))
    called = 0
    for _ in range(2):
        called = line.kill_in_flight(after=called + CALLS_BEFORE_A_CRASH)
        line.pass_time(VISIBILITY_S)
    line.purge()
    name = f"sales-{since:%H%M%S%f}"
    line.replay(since, name)
    receipt = line.finish(put, within_s=240)
    calls = len(line.calls())
    line.replay(since, f"{name}-again")
    line.wait_until_quiet()
    dataset = line.dataset()
    mode = "deduplicates" if deduplicates else "counts again"
    with capsys.disabled():
        sys.stdout.write(
            f"\n{rows:,} events, {line.kills} crashes, a replay, Meta {mode}:"
            f" {dataset['received']:,} received, {dataset['counted']:,} counted, {dataset['doubles']:,} of them"
            f" doubles; the receipt's in_doubt is {receipt['in_doubt']:,}\n"
        )
    assert receipt["state"] == "applied", receipt["reason"]
    assert receipt["rows"] == {
        "in": rows,
        "read": rows,
        "acknowledged": rows,
        "rejected_by_us": 0,
        "rejected_by_platform": 0,
    }
    sent_again = dataset["received"] - rows
    assert dataset["counted"] - dataset["doubles"] == rows
    assert dataset["doubles"] == (0 if deduplicates else sent_again)
    assert 0 < sent_again <= receipt["in_doubt"] <= line.kills * IN_FLIGHT * per_request
    assert [one["code"] for one in receipt["warnings"]] == ["events_in_doubt"]
    if deduplicates:
        assert dataset["values"] == {"EUR": round(sum(map(cents_of, range(rows))) / 100, 2)}
    assert len(line.calls()) == calls
    assert line.dead_letters() == []


def _encoded(secret: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps(secret).encode()).decode()


SECRETS: dict[str, Callable[[dict[str, Any]], str]] = {
    "plain": json.dumps,
    "base64": _encoded,
    "under one key": lambda secret: json.dumps({"credentials": secret}),
    "in base64 under one key": lambda secret: json.dumps({"credentials": _encoded(secret)}),
}


@pytest.mark.parametrize("written", SECRETS.values(), ids=SECRETS)
def test_the_secret_of_the_sample_sends_to_its_pixel(
    conversions: Conversions, written: Callable[[dict[str, Any]], str]
) -> None:
    """A token and a `pixel_id` are enough, in each form that AWS's sample tells its users to write them."""
    line, known = conversions, conversions.sandbox.simulator_secret("meta")
    secret = {name: known[name] for name in ("access_token", "pixel_id", "endpoint")}
    assert secret["pixel_id"] == DEFAULT_DATASET
    line.write_secret(written(secret))
    line.restart()
    receipt = line.finish(line.put_sales(sales(people(10, "pixel", phones=False))))
    assert (receipt["state"], receipt["audience"]["id"]) == ("applied", DEFAULT_DATASET)
    assert line.dataset()["counted"] == 10
