"""What docs/deploy.md says that the app costs counts what the templates have."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import pytest

from stacks.packaging import ROOT

# A month's dollars, in us-east-1; the page names where each was read.
PRICES = {
    "AWS::KMS::Key": 1.0,
    "AWS::CloudWatch::Alarm": 0.1,
    "AWS::SecretsManager::Secret": 0.4,
    "AWS::Lambda::EventSourceMapping": 0.26,  # five pollers that wait 20 seconds each, 0.40 a million requests
    "AWS::WAFv2::WebACL": 5.0,
}
METRIC, RULE = 0.3, 1.0
# How the logical ids of a plain connector, of the watch and of the suppression lists begin.
OF_CONNECTOR, OF_WATCH, OF_LISTS = "Tiktok", "DropWatch", "Suppressions"


def told() -> dict[str, float]:
    """Return the page's fixed costs: those of each row, by what the row counts."""
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    table = page.partition("| what | counted | a month |")[2].partition("\n\n")[0]
    found: defaultdict[str, float] = defaultdict(float)
    what = ""
    for named, counted, dollars in re.findall(r"^\|(.*)\|(.*)\| *([\d.]+) *\|$", table, re.MULTILINE):
        what = named.strip() or what
        found["allowed_ips" if "allowed_ips" in counted else what] += float(dollars)
    return {name: round(sum_, 2) for name, sum_ in found.items()}


def dollars(template: dict[str, Any], *, begins: str = "") -> float:
    """Return a month's dollars of the resources whose logical ids begin so."""
    resources = template["Resources"].items()
    return sum(PRICES.get(one["Type"], 0.0) for id_, one in resources if id_.startswith(begins))


@pytest.mark.parametrize("begins", [OF_CONNECTOR, OF_WATCH, OF_LISTS])
def test_what_is_looked_for_is_there(everything: dict[str, Any], begins: str) -> None:
    """The beginnings of the logical ids are those of this release."""
    assert dollars(everything["audience-activation-activation"], begins=begins) > 0


def test_the_page_on_costs_counts_what_is_deployed(everything: dict[str, Any]) -> None:
    """Keys, alarms, secrets and polled queues of each part, at the page's own prices."""
    activation, ci360 = (everything[f"audience-activation-{part}"] for part in ("activation", "ci360"))
    walls = [one for one in ci360["Resources"].values() if one["Type"] == "AWS::WAFv2::WebACL"]
    wall = PRICES["AWS::WAFv2::WebACL"] + RULE * sum(len(one["Properties"]["Rules"]) for one in walls)
    watch = dollars(activation, begins=OF_WATCH) + METRIC
    counted = {
        "the app": dollars(everything["audience-activation-storage"]) + watch,
        "the daily examination": dollars(everything["audience-activation-doctor"]),
        "the suppression lists": dollars(activation, begins=OF_LISTS),
        "each connector": dollars(activation, begins=OF_CONNECTOR),
        "`normalize`": dollars(everything["audience-activation-normalize"]),
        "`ci360`, with results": dollars(ci360) - PRICES["AWS::WAFv2::WebACL"],
        "allowed_ips": wall,
        "`clean_rooms`": dollars(everything["audience-activation-clean-rooms"]),
        "`sources` of databases and lakes ([the sync](sync.md))": dollars(everything["audience-activation-sync"]),
        "each dataset of Marketing Stream": dollars(everything["AmzStream-NA-sp-traffic"]),
        "each realm of it": dollars(everything["audience-activation-stream-na"]),
        "each v2 destination": dollars(everything["AmzStreamV2-NA-brand"]),
    }
    assert told() == {name: round(sum_, 2) for name, sum_ in counted.items()}
