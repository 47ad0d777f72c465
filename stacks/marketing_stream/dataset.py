"""The stack of one dataset in one realm, delivered to a queue, straight to the delivery stream, or to both."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Environment, Stack, Tags
from constructs import Construct

from stacks.marketing_stream.alarms import StreamAlarms
from stacks.marketing_stream.direct import DirectDelivery
from stacks.marketing_stream.fanout import FanOut
from stacks.marketing_stream.guard import Guard
from stacks.marketing_stream.kept import KeptOfExample
from stacks.marketing_stream.landing import Landing
from stacks.marketing_stream.region import StreamRegionStack
from stacks.marketing_stream.settings import StreamDataset
from stacks.settings import Settings


class StreamDatasetStack(Stack):
    """`AmzStream-<realm>-<dataset>`: queue, functions and landing, or roles and landing."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        wanted: StreamDataset,
        region: StreamRegionStack,
        root: Path,
    ) -> None:
        super().__init__(
            scope,
            id_,
            description=(
                f"Amazon Marketing Stream Consumer for Advertising region: {wanted.realm} "
                f"Dataset: {wanted.dataset.id}"
            ),
            env=Environment(region=wanted.realm.region),
        )
        assert settings.marketing_stream is not None
        assert region.guard is not None
        self.wanted = wanted
        guard = Guard(
            self,
            "Guard",
            wanted=wanted,
            function=region.guard.function,
            retired=settings.marketing_stream.retired,
        )
        self.landing = Landing(self, "Landing", settings=settings, wanted=wanted, region=region)
        # The table is in the region's database, and the alarms publish to the region's topic.
        self.add_stack_dependency(region)
        alarms = StreamAlarms(self, "Alarms", wanted=wanted, topic=region.alarm_topic)
        alarms.of_landing(self.landing)
        self.fan_out: FanOut | None = None
        self.direct: DirectDelivery | None = None
        if "sqs" in wanted.deliveries:
            self.fan_out = FanOut(
                self,
                "FanOut",
                settings=settings,
                wanted=wanted,
                landing=self.landing,
                logs_key=region.logs_key,
                root=root,
            )
            alarms.of_fan_out(self.fan_out)
            guard.settle_after(self.fan_out.fan_out.function)
        if "firehose" in wanted.deliveries:
            self.direct = DirectDelivery(
                self,
                "Direct",
                wanted=wanted,
                landing=self.landing,
                reviewers=settings.marketing_stream.reviewers,
                subscribers=settings.marketing_stream.subscribers,
            )
        self.kept = (
            KeptOfExample(self, "Kept", landing=self.landing, fan_out=self.fan_out) if wanted.upgrades else None
        )
        for one in filter(None, (self.landing, self.fan_out, self.direct, self.kept)):
            one.node.add_dependency(guard.before)
        Tags.of(self).add("data_set_id", wanted.dataset.id)
