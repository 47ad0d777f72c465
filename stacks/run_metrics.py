"""The metrics that a connector's function writes about its runs, as alarms and the dashboard name them."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch

from stacks.names import metrics_namespace
from stacks.settings import Settings
from stacks.watch import CHECKED_EVERY


def metric_of(
    settings: Settings, connector: str, name: str, statistic: str, *, label: str | None = None
) -> cloudwatch.Metric:
    """Return a metric of a connector; its dimensions are those of activation/runs/telemetry.py.

    Only a graph's has a label: of an alarm's the CDK would make metric math.
    """
    return cloudwatch.Metric(
        namespace=metrics_namespace(settings.name),
        metric_name=name,
        dimensions_map={"connector": connector, "service": connector},
        period=CHECKED_EVERY,
        statistic=statistic,
        label=label,
    )
