"""The examination of the deployed app, for `activation doctor` and the console alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from activation.platforms.platform import Finding

    from cli.deployment import Deployment

APP = "app"  # in place of a connector's name: what concerns none of them alone


def examine(found: Deployment, connector: str = "", audience: str = "") -> Iterator[tuple[str, Finding]]:
    """Yield each finding with its connector's name, or APP; asks the platforms, and notes the sizes they tell.

    `connector` is "" for all of them and the app, `audience` one to be looked up as well.
    """
    from cli import today
    from cli.connectors import deployed, settings
    from cli.typed import typed
    from lambdas.doctor.connector import SHRINKS_PERCENT
    from lambdas.doctor.examination import Examiner
    from lambdas.doctor.sources import Source
    from stacks.connector_told import of_app

    wanted = {name: found.connector(name) for name in ([connector] if connector else sorted(found.connectors))}
    read = settings()
    examiner = Examiner(
        found.ledger_table,
        typed,
        any_endpoint=found.any_endpoint,
        own_sdk=True,
        keeps_sizes=True,
        shrinks_percent=read.doctor.shrinks_percent if read else SHRINKS_PERCENT,
        clock=today.now,
        today=today.today,
    )
    yield from ((APP, one) for one in examiner.ledger())
    for name, addresses in wanted.items():
        named = deployed(name, found)
        account = named.settings.get("account") or ""
        sources = [Source(one.name, one.bucket, one.key_arn, one.account) for one in found.sources_of(name)]
        examined = examiner.connector(
            name,
            named.platform,
            named.options,
            addresses,
            audience,
            expected_account=account,
            sources=sources,
        )
        yield from ((name, one) for one in examined)
    if not connector:
        told = of_app(read) if read else found.app
        yield from ((APP, one) for one in examiner.app(found.alarm_topics, told))
