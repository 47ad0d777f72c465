"""Amazon's example stacks, upgraded while records arrive: none is lost, and copies are counted."""

from __future__ import annotations

import copy
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from activation.platforms.discovery import platforms
from aws_cdk import App

from sandbox import cdk, notices, sources
from stacks.marketing_stream.app import add_streams
from stacks.marketing_stream.catalogue import DATASETS
from stacks.packaging import ROOT
from stacks.settings import read_settings
from tests.end_to_end import example_stack
from tests.end_to_end.driver import Sandbox
from tests.end_to_end.upgraded_stack import Template, UpgradedStack
from tests.infrastructure.conftest import context
from tests.unit.marketing_stream.athena import Athena

# Not sp-traffic, whose stack the sandbox has.
SHORT = ("budget-usage", "sd-traffic")
TWELVE = tuple(one.id for one in DATASETS if one.default)[1:13]
# The second deployment waits this long in the short form, in place of 45 s: no invocation here takes longer.
_SHORT_WAIT_S = 5


class Templates:
    """Our templates of both deployments and both deliveries, as the sandbox would deploy them.

    Those of the two datasets of the short form are made together, the others when they are asked for.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, str, str], Template] = {}

    def of(self, dataset: str, delivery: str, *, upgrade: str = "", wait_s: int | None = None) -> Template:
        """Return a stack's template, the first deployment's with `upgrade` "first"."""
        if (dataset, delivery, upgrade) not in self._made:
            self._synthesise(SHORT if dataset in SHORT else (dataset,), delivery, upgrade)
        template = copy.deepcopy(self._made[dataset, delivery, upgrade])
        for one in template["Resources"].values():
            if wait_s is not None and "WaitS" in one.get("Properties", {}):
                one["Properties"]["WaitS"] = wait_s
        return template

    def _synthesise(self, datasets: tuple[str, ...], delivery: str, upgrade: str) -> None:
        out = Path(tempfile.mkdtemp(dir=self._folder))
        configured = json.loads((ROOT / "cdk.context.json").read_text())["audience_activation"]
        flags = {
            **cdk.hosts_wheels(),
            **cdk.SIMULATORS,
            **notices.FLAG,
            **sources.flag(),
            "stream": ",".join(datasets),
            "stream_realms": "NA",
            "delivery_type": delivery,
            **({"stream_upgrade": upgrade} if upgrade else {}),
        }
        app = App(outdir=str(out), context={**context(configured, staging=True), **flags})
        add_streams(app, read_settings(app.node.try_get_context, platforms()), ROOT)
        app.synth()
        for path in out.glob("AmzStream-*.template.json"):
            made = path.name.removesuffix(".template.json").removeprefix("AmzStream-NA-")
            self._made[made, delivery, upgrade] = json.loads(path.read_text())


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Return our templates."""
    return Templates(tmp_path_factory.mktemp("templates"))


@pytest.fixture
def stack(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[UpgradedStack]:
    """Deploy Amazon's example stack, which takes the dataset and delivery of the test."""
    dataset, delivery = request.param
    made = UpgradedStack(sandbox, dataset, delivery)
    made.create()
    yield made
    made.delete()


def _told(stack: UpgradedStack, **counts: object) -> None:
    sys.stderr.write(f"\n{stack.delivery} {stack.dataset}: " + ", ".join(f"{k} {v}" for k, v in counts.items()))


def _copies(landed: Any, ids: list[str]) -> int:
    return sum(landed[one] - 1 for one in ids if landed[one])


def upgrade_under_traffic(stack: UpgradedStack, templates: Templates, *, wait_s: int | None) -> None:
    """Deploy both steps while records arrive, and hold what landed against what was sent, step by step."""
    copies = {}
    begun = time.monotonic()
    for step, upgrade in (("first", "first"), ("second", "")):
        before = len(stack.sent)
        with stack.traffic():
            assert stack.update(templates.of(stack.dataset, stack.delivery, upgrade=upgrade, wait_s=wait_s)) == (
                "UPDATE_COMPLETE"
            )
        landed = stack.settle()
        copies[step] = _copies(landed, stack.sent[before:])
        quiet = stack.send(30)
        landed = stack.settle()
        copies[f"after the {step}"] = _copies(landed, quiet)
    lost = set(stack.sent) - set(landed)
    _told(stack, sent=len(stack.sent), lost=len(lost), copies=copies, seconds=round(time.monotonic() - begun))
    assert not lost
    assert copies["after the first"] == copies["after the second"] == 0


@pytest.mark.faults
@pytest.mark.parametrize("stack", [("budget-usage", "sqs")], indirect=True, ids=["sqs"])
def test_queue_s_stack_is_upgraded_without_loss_and_keeps_what_it_had(
    stack: UpgradedStack, templates: Templates
) -> None:
    """Records that arrive meanwhile land; queue, dead letters, bucket, objects and another subscriber survive."""
    sqs, sns = stack.sandbox.client("sqs"), stack.sandbox.client("sns")
    stack.send(25)
    assert stack.settle() == dict.fromkeys(stack.sent, 1)
    held = ("IngressQueue26236266", "IngressDlq69714C64", "FanoutDataTopic0A0A60DE", "StorageLZ10F6C360")
    before, objects = {one: stack.physical(one) for one in held}, stack.objects()
    sqs.send_message(QueueUrl=before[example_stack.DEAD_LETTERS], MessageBody="an old dead letter")
    other = sqs.create_queue(QueueName=f"other-{time.time_ns()}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=other, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = before[example_stack.TOPIC]
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [allowed | {"Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=other, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

    refused = stack.update(templates.of(stack.dataset, "sqs"))
    assert refused.startswith("UPDATE_ROLLBACK_COMPLETE")
    assert "stream_upgrade=first" in refused
    assert "FanoutLambdaD65A4B4B" in stack.logical_ids()
    upgrade_under_traffic(stack, templates, wait_s=_SHORT_WAIT_S)

    assert {one: stack.physical(one) for one in held} == before
    assert stack.objects().items() >= objects.items()
    (dead,) = sqs.receive_message(QueueUrl=before[example_stack.DEAD_LETTERS])["Messages"]
    assert dead["Body"] == "an old dead letter"
    heard = set()
    while batch := sqs.receive_message(QueueUrl=other, MaxNumberOfMessages=10).get("Messages"):
        assert all(one["Body"].endswith("\n") for one in batch)
        heard |= {json.loads(one["Body"])["idempotency_id"] for one in batch}
    assert heard == set(stack.sent[25:])
    assert not stack.logical_ids() & {"StorageFirehoseSubA3A71188", "FanoutLambdaD65A4B4B"}

    refused = stack.update(templates.of(stack.dataset, "firehose"))
    assert refused.startswith("UPDATE_ROLLBACK_COMPLETE")
    assert "stream_retire=sqs" in refused
    assert stack.physical(example_stack.QUEUE) == before[example_stack.QUEUE]
    ids = stack.send(20)
    assert _copies(stack.settle(), ids) == 0
    assert set(ids) <= set(stack.count())


@pytest.mark.faults
@pytest.mark.parametrize("stack", [("sd-traffic", "firehose")], indirect=True, ids=["firehose"])
def test_direct_stack_is_upgraded_without_loss_and_its_subscriptions_go_on(
    stack: UpgradedStack, templates: Templates
) -> None:
    """Both roles stay the same roles, records land all the while, and the views count those of before as well."""
    stack.send(20)
    roles = {one: stack.role(one) for one in (example_stack.SUBSCRIPTION_ROLE, example_stack.SUBSCRIBER_ROLE)}
    refused = stack.update(templates.of(stack.dataset, "sqs", upgrade="first"))
    assert refused.startswith("UPDATE_ROLLBACK_COMPLETE")
    assert "stream_retire=firehose" in refused
    for upgrade in ("first", ""):
        with stack.traffic():
            status = stack.update(templates.of(stack.dataset, "firehose", upgrade=upgrade))
        assert status == "UPDATE_COMPLETE"
        assert {one: stack.role(one) for one in roles} == roles
    objects = stack.objects()
    joined = "".join(text for _, text in sorted(objects.items()))
    rows = [(line, "object") for line in joined.split("\n") if line]
    athena = Athena(stack.dataset, rows)
    (found,) = athena.ask("select count(*) as n, sum(clicks) as clicks from sd_traffic_records")
    copies = sum(len(line.split("}{")) for line, _ in rows) - len(stack.sent)
    _told(stack, sent=len(stack.sent), counted=found["n"], copies=copies)
    assert found["n"] == found["clicks"] == len(stack.sent)
    assert athena.ask("select * from sd_traffic_unreadable") == []
    assert copies == 0


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "stack", [(one, "sqs") for one in TWELVE], indirect=True, ids=[f"sqs-{one}" for one in TWELVE]
)
def test_twelve_queues_are_upgraded_under_traffic(stack: UpgradedStack, templates: Templates) -> None:
    """With the wait that is deployed, no record of twelve datasets is lost, and copies end with the deployment."""
    upgrade_under_traffic(stack, templates, wait_s=None)


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "stack", [(one, "firehose") for one in TWELVE], indirect=True, ids=[f"firehose-{one}" for one in TWELVE]
)
def test_twelve_direct_stacks_are_upgraded_under_traffic(stack: UpgradedStack, templates: Templates) -> None:
    """Of twelve datasets no record is lost, none lands twice, and the roles of subscriptions stay."""
    roles = {one: stack.role(one) for one in (example_stack.SUBSCRIPTION_ROLE, example_stack.SUBSCRIBER_ROLE)}
    for upgrade in ("first", ""):
        with stack.traffic():
            status = stack.update(templates.of(stack.dataset, "firehose", upgrade=upgrade))
        assert status == "UPDATE_COMPLETE"
        stack.send(20)
    joined = "".join(text for _, text in sorted(stack.objects().items()))
    landed = [json.loads(one)["idempotency_id"] for one in joined.replace("}{", "}\n{").split("\n") if one]
    _told(
        stack, sent=len(stack.sent), lost=len(set(stack.sent) - set(landed)), copies=len(landed) - len(set(landed))
    )
    assert sorted(landed) == sorted(stack.sent)
    assert {one: stack.role(one) for one in roles} == roles
