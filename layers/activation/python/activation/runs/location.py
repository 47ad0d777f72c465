"""Where a drop's people go and how its cells are to be read, as its key says."""

from __future__ import annotations

from dataclasses import replace

from activation.drops.locate import Located, locate
from activation.drops.messages import Work
from activation.runs.cold_start import Connector


def located(connector: Connector, work: Work) -> Located:
    """Return what a drop's key says; raises what `locate` raises."""
    platform, settings = connector.platform, connector.settings
    origin = settings.origins.of(work.drop.bucket, work.drop.key)
    found = locate(
        origin.layout_key(work.drop.key),
        connector=settings.connector,
        table=platform.table,
        actions=platform.limits.actions,
        allowed=settings.actions,
        in_source=origin.is_source,
    )
    return replace(found, audience=replace(found.audience, account=work.ad_account))
