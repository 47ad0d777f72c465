"""Destinations out of a stack's outputs, and the difference between a file and what is subscribed."""

from __future__ import annotations

from pathlib import Path

import pytest

from amz_stream_cli import destinations
from amz_stream_cli.client import Subscription
from amz_stream_cli.errors import StreamError
from amz_stream_cli.sync import Advertiser, Wanted, read, steps
from stacks.marketing_stream.catalogue import Realm

QUEUE = {"IngressIngressQueue91B67342": "arn:queue"}
FIREHOSE = {
    "StorageDeliveryStreamArnBB2306AC": "arn:stream",
    "FirehoseSubscriptionRoleInfraArn22E3DAAD": "arn:puts",
    "FirehoseSubscriberRoleInfraArn3358A9BC": "arn:subscribes",
}
BRAND = Advertiser(Realm.NA, "1", "", dsp=False)


@pytest.mark.parametrize(
    ("outputs", "kind", "arns"),
    [
        (QUEUE | FIREHOSE, "", {"arn:queue"}),
        (QUEUE | FIREHOSE, "firehose", {"arn:stream", "arn:puts", "arn:subscribes"}),
        (FIREHOSE, "", {"arn:stream", "arn:puts", "arn:subscribes"}),
        (QUEUE, "sqs", {"arn:queue"}),
    ],
)
def test_destination_of_a_stack(outputs: dict[str | None, str], kind: str, arns: set[str]) -> None:
    """A stack's queue, or its delivery stream where it has no queue or that is asked for."""
    assert set(destinations.arns(destinations.from_outputs("stack", outputs, kind)).values()) == arns


@pytest.mark.parametrize(("outputs", "kind"), [({}, ""), (QUEUE, "firehose"), (FIREHOSE, "sqs")])
def test_stack_without_such_a_destination(outputs: dict[str | None, str], kind: str) -> None:
    """What a stack does not have is a sentence that names the stack."""
    with pytest.raises(StreamError, match="AmzStream-NA-ads"):
        destinations.from_outputs("AmzStream-NA-ads", outputs, kind)


def subscription(status: str, notes: str = "", arn: str = "arn:queue") -> Subscription:
    """Make a subscription as the API shows one."""
    shown = {"subscriptionId": "id", "dataSetId": "ads", "status": status, "notes": notes, "destinationArn": arn}
    return Subscription.of(shown)


WANTED = Wanted(BRAND, "ads", destinations.queue("arn:queue"), "brand A")


@pytest.mark.parametrize("status", ["ACTIVE", "PROVISIONING", "PENDING_CONFIRMATION"])
def test_live_subscription_is_left_alone(status: str) -> None:
    """What is there, or about to be, is not made again; its notes are brought up to date."""
    assert steps([WANTED], {BRAND: [subscription(status, "brand A")]}) == []
    (noted,) = steps([WANTED], {BRAND: [subscription(status, "other")]})
    assert (noted.action, noted.id, noted.notes) == ("note", "id", "brand A")


@pytest.mark.parametrize("status", ["ARCHIVED", "SUSPENDED", "FAILED_CONFIRMATION", "FAILED_PROVISIONING"])
def test_dead_subscription_is_made_anew(status: str) -> None:
    """Amazon brings none of these back: a new one is made, and the dead one is not archived again."""
    (made,) = steps([WANTED], {BRAND: [subscription(status)]}, prune=True)
    assert made.action == "create"
    assert "arn:queue" in str(made)


def test_only_what_is_asked_for_is_archived() -> None:
    """Without --prune what the file lacks stays; with it, only live ones of the file's own advertisers go."""
    there = {BRAND: [subscription("ACTIVE", "brand A"), subscription("ACTIVE", arn="arn:another")]}
    assert steps([WANTED], there) == []
    (archived,) = steps([WANTED], there, prune=True)
    assert archived.action == "archive"


def test_file_names_stacks(tmp_path: Path) -> None:
    """A stack's name says dataset and region; its outputs say where to."""
    file = tmp_path / "file.yml"
    file.write_text("subscriptions: [{stack: AmzStream-EU-adsp-traffic, delivery: firehose, account_id: '9'}]")
    asked = []

    def of_stack(name: str, realm: Realm, kind: str) -> dict[str, object]:
        asked.append((name, realm, kind))
        return {"sqsDestination": {"queueArn": "arn"}}

    (wanted,) = read(file, of_stack)
    assert asked == [("AmzStream-EU-adsp-traffic", Realm.EU, "firehose")]
    assert (wanted.dataset, wanted.advertiser) == ("adsp-traffic", Advertiser(Realm.EU, "", "9", dsp=True))
