"""Every stack of Amazon Marketing Stream that the settings ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from aws_cdk import Annotations, App

from stacks.marketing_stream.catalogue import V1_ENDS, Realm
from stacks.marketing_stream.dataset import StreamDatasetStack
from stacks.marketing_stream.region import StreamRegionStack
from stacks.marketing_stream.v2 import StreamV2Stack
from stacks.settings import Settings


@dataclass(frozen=True)
class Streams:
    """The stacks that were added; all empty if the settings have no section for the stream."""

    regions: dict[Realm, StreamRegionStack] = field(default_factory=dict)
    datasets: tuple[StreamDatasetStack, ...] = ()
    v2: tuple[StreamV2Stack, ...] = ()


def add_streams(app: App, settings: Settings, root: Path) -> Streams:
    """Add the stacks to the app."""
    stream = settings.marketing_stream
    if stream is None:
        return Streams()
    realms = dict.fromkeys([one.realm for one in stream.datasets] + [one.realm for one in stream.v2])
    regions = {
        realm: StreamRegionStack(
            app,
            f"{settings.name}-stream-{realm.lower()}",
            settings=settings,
            realm=realm,
            root=root,
            datasets=any(one.realm is realm for one in stream.datasets),
        )
        for realm in realms
    }
    datasets = tuple(
        StreamDatasetStack(
            app, wanted.stack_name, settings=settings, wanted=wanted, region=regions[wanted.realm], root=root
        )
        for wanted in stream.datasets
    )
    v2 = tuple(
        StreamV2Stack(
            app,
            wanted.stack_name,
            settings=settings,
            wanted=wanted,
            region=regions[wanted.realm],
        )
        for wanted in stream.v2
    )
    if datasets:
        # On one stack per realm: nobody reads the same sentence forty-five times.
        for region in regions.values():
            Annotations.of(region).add_warning_v2(
                "audience-activation:stream-v1-ends",
                f"Amazon switches Stream v1 off on {V1_ENDS}: move to v2, see docs/marketing_stream.md",
            )
    return Streams(regions, datasets, v2)
