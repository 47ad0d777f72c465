"""Metrics in log lines, by the specification of the embedded metric format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.emulator.cloudwatch.embedded import Embedded, extract

DIRECTIVE = {
    "Namespace": "App",
    "Dimensions": [["service"], ["service", "connector"]],
    "Metrics": [{"Name": "Dropped", "Unit": "Count"}, {"Name": "Took"}],
}


def _line(**changed: Any) -> str:
    document = {
        "_aws": {"Timestamp": 1_000_500, "CloudWatchMetrics": [DIRECTIVE]},
        "service": "watch",
        "connector": "alpha",
        "Dropped": 3,
        "Took": [1.5, 2],
    }
    return json.dumps({**document, **changed})


def test_every_set_of_dimensions_is_a_metric_of_its_own() -> None:
    """A line publishes each metric once for each set, with its unit, its values and its time."""
    alone, both = {"service": "watch"}, {"service": "watch", "connector": "alpha"}
    assert list(extract(_line())) == [
        Embedded("App", "Dropped", alone, (3.0,), "Count", 1000.5),
        Embedded("App", "Took", alone, (1.5, 2.0), "None", 1000.5),
        Embedded("App", "Dropped", both, (3.0,), "Count", 1000.5),
        Embedded("App", "Took", both, (1.5, 2.0), "None", 1000.5),
    ]


def test_a_set_without_dimensions_is_one() -> None:
    """An empty set publishes the metric under its name alone."""
    directive = {**DIRECTIVE, "Dimensions": [[]]}
    (dropped, _) = extract(_line(_aws={"Timestamp": 0, "CloudWatchMetrics": [directive]}))
    assert dropped.dimensions == {}


@pytest.mark.parametrize(
    "line",
    [
        "",
        'START RequestId: "_aws"',
        '["_aws"]',
        _line() + " and more",
        _line(_aws={"CloudWatchMetrics": [DIRECTIVE]}),
        _line(_aws={"Timestamp": 0, "CloudWatchMetrics": {}}),
        _line(_aws={"Timestamp": 0, "CloudWatchMetrics": [{**DIRECTIVE, "Namespace": ""}]}),
        _line(_aws={"Timestamp": 0, "CloudWatchMetrics": [{**DIRECTIVE, "Dimensions": "service"}]}),
        _line(_aws={"Timestamp": 0, "CloudWatchMetrics": [{**DIRECTIVE, "Metrics": [{"Name": "Took"}] * 101}]}),
        _line(service=7),
        _line(Dropped="3", Took=[1] * 101),
        _line(Dropped=True, Took=None),
        _line(Dropped=float("nan"), Took=10**400),
        _line(_aws={"Timestamp": float("inf"), "CloudWatchMetrics": [DIRECTIVE]}),
        _line(_aws={"Timestamp": 0, "CloudWatchMetrics": [{**DIRECTIVE, "Namespace": ["App"]}]}),
        _line(_aws={"Timestamp": 0, "CloudWatchMetrics": [{**DIRECTIVE, "Dimensions": [[["service"]]]}]}),
        _line(_aws={"Timestamp": 0, "CloudWatchMetrics": [{**DIRECTIVE, "Metrics": ["Took", {"Name": []}]}]}),
        '{"_aws": ' + "[" * 100_000,
    ],
    ids=[
        "empty",
        "text",
        "list",
        "trailing text",
        "no time",
        "no directives",
        "no namespace",
        "no sets",
        "too many metrics",
        "dimension that is no text",
        "values that are no numbers",
        "values that are truths",
        "values beyond CloudWatch's range",
        "no finite time",
        "namespace that is no text",
        "dimension whose name is no text",
        "metrics that are no objects",
        "deep nesting",
    ],
)
def test_what_is_not_such_a_line_has_no_metrics(line: str) -> None:
    """CloudWatch Logs extracts nothing from what the specification does not allow."""
    assert list(extract(line)) == []


def test_a_missing_target_leaves_the_other_metrics() -> None:
    """A metric without a value in the line is left out alone."""
    document = json.loads(_line())
    del document["Dropped"]
    assert {found.name for found in extract(json.dumps(document))} == {"Took"}
