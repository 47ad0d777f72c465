"""docs/privacy.md against the templates: what is stored where, and for how long."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stacks.names import FORGETS, SUPPRESSIONS
from stacks.sync.permissions import DECLARATIONS
from tests.infrastructure import everything
from tests.infrastructure.everything import EVERYTHING

PAGE = Path(__file__).parents[2] / "docs" / "privacy.md"
DAY_S = 86_400
# Each setting has a value of its own here, by which a lifetime of a template is known as the setting's.
CHANGED = {
    "retention.drops_days": 41, "retention.noncurrent_drops_days": 42, "retention.receipts_days": 443,
    "retention.noncurrent_receipts_days": 44, "retention.ledger_days": 445, "retention.archive_days": 46,
    "retention.logs_days": 60, "retention.access_logs_days": 48, "retention.backups_days": 29,
    "normalize.exports_days": 24, "ci360.keep_days": 23, "ci360.landing_days": 21, "ci360.sas_files.days": 22,
}  # fmt: skip
STORES = {
    "AWS::S3::Bucket": "bucket",
    "AWS::DynamoDB::Table": "table",
    "AWS::SQS::Queue": "queue",
    "AWS::Logs::LogGroup": "log group",
    "AWS::Events::Archive": "archive",
}
# What keeps nothing of a drop: a new type has to be put here or above. Secrets hold tokens; a catalogue's table
# and a workgroup describe objects of a bucket; a delivery stream, a topic and a bus hand on what they get.
KEEPS_NOTHING = re.compile(
    r"AWS::(ApiGateway|IAM|Lambda|KMS|SNS|WAFv2|Scheduler|Glue|CloudWatch|SecretsManager|KinesisFirehose|Chatbot)::\w+"
    r"|AWS::Athena::(NamedQuery|WorkGroup)|AWS::Events::(EventBus|EventBusPolicy|Rule)|AWS::Logs::LogStream"
    r"|AWS::S3::BucketPolicy|AWS::SQS::QueuePolicy|Custom::MarketingStreamGuard|AWS::CDK::Metadata"
)
# What the app keeps apart within a bucket, without a lifecycle rule of its own.
PREFIXES = {"Drops": (f"{SUPPRESSIONS}/",), "Mirrors": (f"{SUPPRESSIONS}/", DECLARATIONS), "Receipts": (FORGETS,)}
CONNECTORS = tuple(one["name"].title() for one in EVERYTHING["connectors"])
Lifetimes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Line:
    """A line of the page: its lifetimes as settings with their defaults, and as fixed numbers of days."""

    settings: Mapping[str, int]
    fixed: frozenset[int]


def of_page(text: str) -> dict[str, Line]:
    """Return the lines by their places."""
    found = {}
    for line in text.splitlines():
        cells = [one.strip() for one in line.strip("|").split(" | ")]
        if re.match(r"\| `[\w<>-]+`: ", line):
            kept = cells[3]
            named = {name: int(days) for name, days in re.findall(r"`([\w.]+)` \((\d+)\)", kept)}
            if "`ci360.landing_days` (as drops)" in kept:
                named["ci360.landing_days"] = 0
            fixed = re.findall(r"(?<!\()\b(\d+) days?\b", kept)
            found[cells[0].strip("| ")] = Line(named, frozenset(map(int, fixed)))
    return found


def of_templates(templates: Mapping[str, Any], app: str) -> Lifetimes:
    """Return the lifetimes of every place, in days, in the order in which a template gives them."""
    found: Lifetimes = {}
    for stack, template in templates.items():
        for id_, resource in template["Resources"].items():
            type_ = resource["Type"]
            assert type_ in STORES or KEEPS_NOTHING.fullmatch(type_), f"does {type_} keep personal data?"
            if type_ in STORES:
                place = f"`{_stack(stack.removeprefix(f'{app}-'))}`: {STORES[type_]} `{_name(id_)}`"
                for below, days in _lifetimes(id_, resource, template):
                    found[f"{place}, `{below}`" if below else place] = days
                for below in PREFIXES.get(_name(id_), ()) if type_ == "AWS::S3::Bucket" else ():
                    found[f"{place}, `{below}`"] = found[place]
    return found


def _stack(name: str) -> str:
    name = re.sub(r"^(AmzStream)-[A-Z]+-.*", r"\1-<realm>-<dataset>", name)
    name = re.sub(r"^(AmzStreamV2)-[A-Z]+-.*", r"\1-<realm>-<name>", name)
    return re.sub(r"^stream-[a-z]+$", "stream-<realm>", name)


def _name(id_: str) -> str:
    name = re.sub(r"[0-9A-F]{8}$", "", id_)
    return next((name.replace(one, "<connector>", 1) for one in CONNECTORS if name.startswith(one)), name)


def _lifetimes(
    id_: str, resource: Mapping[str, Any], template: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield a prefix, "" for all of a place, and its lifetimes."""
    properties = resource.get("Properties", {})
    match resource["Type"]:
        case "AWS::S3::Bucket":
            for rule in properties["LifecycleConfiguration"]["Rules"]:
                older = rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays")
                days = (rule.get("ExpirationInDays"), older)
                yield rule.get("Prefix", ""), tuple(one for one in days if one is not None)
        case "AWS::DynamoDB::Table":
            point_in_time = properties["PointInTimeRecoverySpecification"]
            yield "", (point_in_time["RecoveryPeriodInDays"], *_remembered(template))
        case "AWS::SQS::Queue":
            yield "", (properties["MessageRetentionPeriod"] // DAY_S,)
        case "AWS::Logs::LogGroup":
            yield "", (properties["RetentionInDays"],)
        case "AWS::Events::Archive":
            yield "", (properties["RetentionDays"],)


def _remembered(template: Mapping[str, Any]) -> tuple[int, ...]:
    """Return for how many days the functions of a stack keep records."""
    functions = [one["Properties"] for one in template["Resources"].values() if "Lambda::F" in one["Type"]]
    variables = [one.get("Environment", {}).get("Variables", {}) for one in functions]
    days = {int(one[name]) for one in variables for name in ("LEDGER_TTL_DAYS", "KEEP_DAYS") if name in one}
    return tuple(sorted(days))


def expected(usual: Lifetimes, changed: Lifetimes) -> dict[str, Line]:
    """Return what each line has to say, by how lifetimes follow the settings."""
    names = {days: setting for setting, days in CHANGED.items()}
    found = {}
    for place, days in changed.items():
        before = usual.get(place, ())
        settings, fixed = {}, set()
        for index, one in enumerate(days):
            was = before[index] if index < len(before) else 0
            if one == was:
                fixed.add(one)
            else:
                settings[names[one]] = was
        found[place] = Line(settings, frozenset(fixed))
    return found


def synthesised(outdir: Path, settings: Mapping[str, int]) -> Lifetimes:
    """Return the lifetimes of all stacks under these settings."""
    sections = {name: copy.deepcopy(EVERYTHING[name]) for name in ("ci360", "normalize")}
    given: dict[str, Any] = {"retention": {}, **sections}
    for path, days in settings.items():
        *names, key = path.split(".")
        section = given
        for one in names:
            section = section[one]
        section[key] = days
    found = everything.templates(outdir, "app", **given)
    storage, activation = found["app-storage"], found["app-activation"]
    # The ledger's records are written by functions of the other stack.
    storage["Resources"] |= {
        f"Of{id_}": one for id_, one in activation["Resources"].items() if one["Type"] == "AWS::Lambda::Function"
    }
    return of_templates(found, "app")


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Line]:
    """Return what the page has to say of every place."""
    usual = synthesised(tmp_path_factory.mktemp("usual"), {})
    return expected(usual, synthesised(tmp_path_factory.mktemp("changed"), CHANGED))


def test_every_place_has_its_line(lines: dict[str, Line]) -> None:
    """No place lacks a line, and no line is of a place that is gone."""
    assert of_page(PAGE.read_text()).keys() == lines.keys()


def test_every_line_has_the_lifetime_of_the_templates(lines: dict[str, Line]) -> None:
    """Settings are named with their defaults, and fixed lifetimes by their days."""
    page = of_page(PAGE.read_text())
    assert {place: line for place, line in page.items() if line != lines.get(place)} == {}
    print(f"\n{len(page)} lines of {PAGE.name} say what the templates say; lines that do not: 0")


def test_every_line_says_what_who_and_how_long() -> None:
    """No cell but the last is blank."""
    for line in PAGE.read_text().splitlines():
        if re.match(r"\| `[\w<>-]+`: ", line):
            cells = [one.strip() for one in line.removeprefix("|").removesuffix("|").split("|")]
            assert len(cells) == 5
            assert all(cells[:4]), line


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("`retention.archive_days` (365)", "`retention.archive_days` (30)"),
        ("`retention.archive_days` (365)", "`retention.logs_days` (365)"),
        ("`activation`: queue `<connector>DeadLetters`", "`activation`: queue `Other`"),
    ],
)
def test_a_line_that_is_wrong_is_found(lines: dict[str, Line], before: str, after: str) -> None:
    """Another default, another setting or another place is no longer what the templates say."""
    text = PAGE.read_text()
    assert of_page(text) == lines
    assert before in text
    assert of_page(text.replace(before, after)) != lines
