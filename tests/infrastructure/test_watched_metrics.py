"""What the templates' alarms watch, against what the sandbox publishes and evaluates."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox.emulator.cloudwatch.evaluation import (
    COMPARISONS,
    EACH_MINUTE,
    EXTRA_PERIODS,
    JUMP_MINUTES,
    STEP_MINUTES,
)
from sandbox.emulator.cloudwatch.metric_names import PUBLISHED
from stacks.packaging import ROOT

EVALUATED = {
    "ActionsEnabled",
    "AlarmActions",
    "AlarmDescription",
    "AlarmName",
    "ComparisonOperator",
    "DatapointsToAlarm",
    "Dimensions",
    "EvaluationPeriods",
    "ExtendedStatistic",
    "InsufficientDataActions",
    "MetricName",
    "Namespace",
    "OKActions",
    "Period",
    "Statistic",
    "Tags",
    "Threshold",
    "TreatMissingData",
    "Unit",
}


def _alarms(templates: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for stack, template in templates.items():
        for id_, resource in template["Resources"].items():
            if resource["Type"] == "AWS::CloudWatch::Alarm":
                yield f"{stack} {id_}", resource["Properties"]


def _logged() -> set[str]:
    """Return the metrics that functions write into their logs: the names that their code gives to these."""
    folders = (ROOT / "lambdas", ROOT / "layers" / "activation")
    calls = (call for folder in folders for path in folder.rglob("*.py") for call in _calls(path))
    names = (call.args[0] for call in calls if call.args)
    return {str(name.value) for name in names if isinstance(name, ast.Constant)}


def _calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and _name_of(node.func) in ("add_metric", "single_metric"):
            yield node


def _name_of(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def test_every_watched_metric_is_published_in_the_sandbox(everything: dict[str, Any]) -> None:
    """An alarm on a metric that the emulator does not publish, or by other dimensions, could not fire there."""
    published = {(one.namespace, one.name, frozenset(one.dimensions)) for one in PUBLISHED}
    logged, seen = _logged(), 0
    for name, alarm in _alarms(everything):
        seen += 1
        dimensions = frozenset(one["Name"] for one in alarm.get("Dimensions", ()))
        if alarm["Namespace"].startswith("AWS/"):
            assert (alarm["Namespace"], alarm["MetricName"], dimensions) in published, name
        else:
            assert alarm["MetricName"] in logged, name
    assert seen > 50


def test_every_alarm_is_one_that_the_sandbox_evaluates(everything: dict[str, Any]) -> None:
    """Metric math, bands and windows of the wall clock are not evaluated there: no template has them."""
    for name, alarm in _alarms(everything):
        assert alarm.keys() <= EVALUATED, name
        assert alarm["ComparisonOperator"] in COMPARISONS, name
        looks_back_s = (alarm["EvaluationPeriods"] + EXTRA_PERIODS) * alarm["Period"]
        in_steps = alarm["Period"] % (60 * STEP_MINUTES) == 0
        assert looks_back_s <= 60 * (JUMP_MINUTES if in_steps else EACH_MINUTE), name


def test_returned_messages_are_counted_where_they_are_watched(everything: dict[str, Any]) -> None:
    """The emulator counts a mapping's events unasked; AWS does only for a mapping that asks for it."""
    for template in everything.values():
        resources = template["Resources"]
        for id_, resource in resources.items():
            alarm = resource["Properties"] if resource["Type"] == "AWS::CloudWatch::Alarm" else {}
            if alarm.get("MetricName") == "FailedInvokeEventCount":
                (dimension,) = alarm["Dimensions"]
                mapping = resources[dimension["Value"]["Ref"]]["Properties"]
                assert mapping["MetricsConfig"] == {"Metrics": ["EventCount"]}, id_


def test_no_metric_comes_from_a_filter_of_logs(everything: dict[str, Any]) -> None:
    """The emulator keeps a metric filter and publishes nothing by it: the app's metrics are in its log lines."""
    types = {resource["Type"] for template in everything.values() for resource in template["Resources"].values()}
    assert "AWS::Logs::MetricFilter" not in types
