"""The app's CloudWatch dashboard: what each connector sent, how long it took, and how the platforms answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.connector import Connector
from stacks.run_metrics import metric_of
from stacks.settings import Settings
from stacks.watch import CHECKED_EVERY

WIDTH, HEIGHT = 8, 6  # of 24 columns
SHOWN = Duration.days(7)
# What each graph shows of every connector: title, metric of activation/runs/telemetry.py, and statistic.
GRAPHS = (
    ("Rows in", "RowsSettled", "Sum"),
    ("Rows acknowledged", "RowsAcknowledged", "Sum"),
    ("Rows rejected", "RowsRejected", "Sum"),
    ("Rejected rows of a run, %", "RejectPercent", "Maximum"),
    ("Seconds from a drop's first message to its audience", "TimeToActivate", "Maximum"),
    ("Milliseconds until the platform answers, mean of an invocation", "PlatformLatency", "Maximum"),
    ("Requests that the platform throttled", "PlatformThrottles", "Sum"),
)


class RunsDashboard(Construct):
    """The dashboard, a graph for each metric with a line for each connector; it holds no name of an audience."""

    def __init__(
        self, scope: Construct, id_: str, *, settings: Settings, connectors: Mapping[str, Connector]
    ) -> None:
        super().__init__(scope, id_)
        self.dashboard = cloudwatch.Dashboard(
            self, "Dashboard", dashboard_name=settings.name, default_interval=SHOWN
        )
        graphs = [
            _graph(title, [metric_of(settings, name, metric, statistic, label=name) for name in connectors])
            for title, metric, statistic in GRAPHS
        ]
        waiting = [_age(name, connector) for name, connector in connectors.items()]
        stopped = [_dead_letters(name, connector) for name, connector in connectors.items()]
        graphs += [
            _graph("Seconds that the oldest message has waited", waiting),
            _graph("Dead letters", stopped),
        ]
        self.dashboard.add_widgets(*graphs)


def _graph(title: str, metrics: Iterable[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        width=WIDTH,
        height=HEIGHT,
        left_y_axis=cloudwatch.YAxisProps(min=0),
    )


def _age(name: str, connector: Connector) -> cloudwatch.Metric:
    return connector.queue.metric_approximate_age_of_oldest_message(
        period=CHECKED_EVERY, statistic="Maximum", label=name
    )


def _dead_letters(name: str, connector: Connector) -> cloudwatch.Metric:
    return connector.dead_letters.metric_approximate_number_of_messages_visible(
        period=CHECKED_EVERY, statistic="Maximum", label=name
    )
