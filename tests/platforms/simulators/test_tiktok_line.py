"""The whole line against the simulated TikTok over real HTTP: from a drop to the people in its audience."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from activation.aws.clients import Clients
from activation.aws.table import ConditionalTable
from activation.ledger.runs import RunState
from activation.platforms.account import AdAccount
from activation.platforms.http import PooledHttp
from activation.platforms.options import complete
from activation.platforms.platform import Loaded
from activation.runs.cold_start import Connector
from activation.runs.dispatch import Dispatcher
from activation.runs.secret import ConnectorSecret

from lambdas.tiktok.platform import PLATFORM
from lambdas.tiktok.publisher import TikTokPublisher
from sandbox.platforms.outside import Outside
from tests.unit.line.platform import hashed
from tests.unit.line.watched_aws import Aws
from tests.unit.line.world import World, people

NOT_EDITABLE = {"code": 40002, "message": "Audience is not editable, please check audience status", "data": {}}
OUTAGE = {"code": 50000, "message": "System error", "data": {}}


class Line(World):
    """The line in memory, with the simulated TikTok at its end; what passes here passes there."""

    def __init__(self, tiktok: Outside) -> None:
        self.tiktok = tiktok
        super().__init__(Aws.in_memory())
        secret = {**tiktok.secret(), "ENDPOINT": tiktok.base_url}
        self.aws.secrets.put_secret_value(SecretId=self.secret, SecretString=json.dumps(secret))
        self.name = "tiktok"
        self.settings = replace(self.settings, connector="tiktok", max_rows_per_request=500)
        pass_here = self.clock.pass_s

        def pass_s(seconds: float) -> None:
            pass_here(seconds)
            tiktok.advance(seconds)

        self.clock.pass_s = pass_s  # type: ignore[method-assign]  # one time for both
        self.restart()

    def process(self) -> Dispatcher:
        """Start the function anew, with TikTok's platform and a connection to the simulator."""
        clients = Clients(
            s3=self.aws.s3,
            sqs=self.aws.sqs,
            events=self.aws.events,
            table=ConditionalTable(self.aws.dynamodb, "ledger"),
        )
        platform = replace(PLATFORM, load=self._load)
        http = PooledHttp(connections=1)
        secret = ConnectorSecret(
            platform,
            self.aws.secrets,
            self.secret,
            table=clients.table,
            http=http,
            options=complete(platform.options, self.settings.options),
            any_endpoint=True,
            clock=self.clock,
        )
        return Dispatcher(
            Connector(platform, self.settings, clients, secret, http, clock=self.clock, sleep=self.clock.pass_s)
        )

    def _load(self) -> Loaded:
        """Load TikTok's parts, the publisher going by the platform's clock, which is ahead of ours."""

        def publisher(account: AdAccount) -> TikTokPublisher:
            return TikTokPublisher(account, clock_s=lambda: self.tiktok.state(members=False)["time"])

        return replace(PLATFORM.load(), publisher=publisher)

    def deliver(self, emails: list[str], *, action: str = "", file: str = "a.csv") -> dict[str, Any]:
        """Drop a list of hashes, see it through, and give its receipt."""
        before = {one["run_id"] for one in self.receipts()}
        key = "/".join(part for part in ("tiktok/VIP/EMAIL_SHA256", action, file) if part)
        self.run(self.event(self.put("".join(f"{hashed(one)}\n" for one in emails), key)))
        (receipt,) = [one for one in self.receipts() if one["run_id"] not in before]
        return receipt

    def held(self) -> set[str]:
        """Return what the audience holds."""
        return set(self.tiktok.audience("VIP")["members"])


@pytest.fixture
def line(tiktok: Outside, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """Return the line; no test may leave a message that nobody takes up."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tests")
    one = Line(tiktok)
    yield one
    assert one.queue == []


def digests(emails: list[str]) -> set[str]:
    """Return what TikTok should hold of these people."""
    return {hashed(one) for one in emails}


def uploads(line: Line) -> int:
    """Count the uploads TikTok took."""
    return sum(one["applied"] for one in line.tiktok.requests("/file/upload/"))


def test_a_drop_is_created_added_to_taken_from_and_replaced(line: Line) -> None:
    """Each action ends applied, with its people there and TikTok's count of them; all files are one change."""
    some = people(2600)
    steps = [
        ("", some[:1300], some[:1300]),
        ("add", some[1200:2600], some),
        ("remove", some[:1000], some[1000:]),
        ("replace", some[:1100], some[:1100]),
    ]
    for number, (action, emails, after) in enumerate(steps):
        receipt = line.deliver(emails, action=action, file=f"{number}.csv")
        assert (receipt["state"], receipt["rows"]["acknowledged"]) == (RunState.APPLIED, len(emails))
        assert line.held() == digests(after)
        notes = receipt["platform_notes"]
        assert notes["matched_members"] == str(len(after))
        assert {"minimum", "retention", "request_id", "expires"} <= set(notes)
    changes = [one["note"]["action"] for one in line.tiktok.requests() if "action" in one["note"]]
    assert changes == ["CREATE", "APPEND", "REMOVE", "REPLACE"]


def test_too_few_people_are_told_of(line: Line) -> None:
    """An audience that never becomes one ends its run with the rule, and holds up the next drop with it."""
    receipt = line.deliver(people(30))
    assert receipt["state"] == RunState.APPLIED
    assert "too few people" in receipt["platform_notes"]["too_small"]
    assert "1,000" in receipt["platform_notes"]["minimum"]
    line.settings = replace(line.settings, deadline_s=7200)
    line.restart()
    receipt = line.deliver(people(30), file="b.csv")
    assert receipt["reason"]["code"] == "deadline"
    assert "1,000 people" in receipt["reason"]["sentence"]


def test_a_removal_that_would_leave_too_few_says_so(line: Line) -> None:
    """TikTok refuses it, and the receipt gives the rule and not only its code."""
    line.deliver(people(1200))
    receipt = line.deliver(people(900), action="remove", file="b.csv")
    assert (receipt["state"], receipt["reason"]["code"]) == (RunState.FAILED, "change_refused")
    assert "fewer than 1,000 people" in receipt["reason"]["sentence"]
    assert line.held() == digests(people(1200))


def test_another_type_is_refused_before_anything_is_uploaded(line: Line) -> None:
    """The receipt names both types."""
    line.deliver(people(1200))
    before = uploads(line)
    line.run(line.event(line.put(f"{hashed('+4930123456')}\n", "tiktok/VIP/PHONE_SHA256/b.csv")))
    (receipt,) = [one for one in line.receipts() if one["state"] == RunState.FAILED]
    assert receipt["reason"]["code"] == "type_mismatch"
    assert "EMAIL_SHA256" in receipt["reason"]["sentence"]
    assert "PHONE_SHA256" in receipt["reason"]["sentence"]
    assert uploads(line) == before


def test_one_kind_is_removed_from_an_audience_of_several(line: Line) -> None:
    """Its file has the audience's type, and a blank column for what was not given."""
    rows = [f"{one},\n" for one in people(2400)]
    line.run(
        line.event(
            line.put("".join(["email,phone\n", *rows, "a@example.com,+4915123456789\n"]), "tiktok/VIP/raw/a.csv")
        )
    )
    assert line.tiktok.audience("VIP")["calculate_type"] == "MULTIPLE_TYPES"
    line.run(
        line.event(
            line.put("".join(["email\n", *(f"{one}\n" for one in people(300))]), "tiktok/VIP/raw/remove/b.csv")
        )
    )
    (receipt,) = [one for one in line.receipts() if one["action"] == "remove"]
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == (RunState.APPLIED, 300), receipt["reason"]
    assert len(line.tiktok.audience("VIP")["members"]) == 2101


@pytest.mark.parametrize("is_there", [False, True])
def test_files_that_expired_are_uploaded_once_more(line: Line, is_there: bool) -> None:
    """Whether the audience was to be created or changed, it has its people, and every row is counted once."""
    first, second = people(1200), people(1400, start=5000)
    if is_there:
        line.deliver(first)
    line.tiktok.configure(file_lifetime_s=600)
    before = uploads(line)
    if is_there:
        line.tiktok.fail({"route": "/update/", "status": 200, "body": NOT_EDITABLE})
    else:
        line.tiktok.fail({"route": "/create/", "status": 200, "body": OUTAGE, "times": 10})
    receipt = line.deliver(second, file="b.csv")
    assert receipt["state"] == RunState.APPLIED, receipt["reason"]
    assert receipt["rows"] == {
        "in": 1400,
        "read": 1400,
        "acknowledged": 1400,
        "rejected_by_us": 0,
        "rejected_by_platform": 0,
    }
    assert (receipt["started_over"], receipt["batches"], receipt["resent"]) == (1, 3, 3)
    assert uploads(line) - before == 6
    assert line.held() == digests([*(first if is_there else []), *second])
    assert receipt["audience"]["created"] is not is_there


def test_files_that_expire_again_fail_the_run(line: Line) -> None:
    """A second time round would be the first of many: the run fails, and a redrive gives it another."""
    line.deliver(people(1200))
    line.tiktok.configure(file_lifetime_s=600)
    busy = {"route": "/update/", "status": 200, "body": NOT_EDITABLE}
    gone = {"route": "/update/", "status": 200, "body": {"code": 40910, "message": "The file has expired."}}
    line.tiktok.fail(busy, gone, busy, gone)
    receipt = line.deliver(people(1100, start=5000), file="b.csv")
    assert (receipt["state"], receipt["reason"]["code"]) == (RunState.FAILED, "files_expired")
    assert receipt["rows"]["acknowledged"] == 1100
    assert line.held() == digests(people(1200))
    line.redrive()
    line.run()
    assert line.held() == digests([*people(1200), *people(1100, start=5000)])
    assert [one["state"] for one in line.receipts()] == [RunState.APPLIED] * 2
