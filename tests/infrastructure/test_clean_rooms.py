"""The stack of Clean Rooms queries: off by default, one schedule a query, and a role that reads no result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from activation.platforms.discovery import platforms

from lambdas.clean_rooms.queries import Query
from lambdas.clean_rooms.results import MANIFEST as WRITTEN
from stacks.clean_rooms.permissions import MANIFEST
from stacks.settings import SettingsError, read_settings
from tests.infrastructure.conftest import Templates
from tests.infrastructure.everything import EVERYTHING
from tests.infrastructure.everything import templates as everything_templates
from tests.infrastructure.test_calls_allowed import actions_of
from tests.infrastructure.test_doctor import only
from tests.infrastructure.test_permissions import several
from tests.sdk_calls import ROOT

STACK = "audience-activation-clean-rooms"
BIG, LAPSED = EVERYTHING["clean_rooms"]


@pytest.fixture(scope="module")
def resources(everything: dict[str, Any]) -> dict[str, Any]:
    """Return the resources of the stack by their logical ids."""
    found: dict[str, Any] = everything[STACK]["Resources"]
    return found


@pytest.fixture(scope="module")
def allowed(resources: dict[str, Any]) -> dict[str, Any]:
    """Return the statements of the function's role by their ids."""
    role = only(resources, "AWS::IAM::Role", "QueriesRole")
    return {one["Sid"]: one for one in role["Policies"][0]["PolicyDocument"]["Statement"]}


def test_without_queries_there_is_no_stack(templates: Templates) -> None:
    """The list is empty unless somebody writes one."""
    assert not list(templates.outdir.glob("*clean-rooms*"))


def test_each_query_has_a_schedule_in_its_zone(resources: dict[str, Any]) -> None:
    """A schedule sends the query's name with the scheduled time, and keeps what it cannot send."""
    schedule = only(resources, "AWS::Scheduler::Schedule", "QueriesBigSpenders")
    assert schedule["ScheduleExpression"] == "cron(0 6 ? * MON *)"
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    said = json.loads(schedule["Target"]["Input"])
    assert said == {"query": "big-spenders", "slot": "<aws.scheduler.scheduled-time>"}
    assert schedule["Target"]["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0].startswith("QueriesUndelivered")
    role = only(resources, "AWS::IAM::Role", "QueriesScheduleRole")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    weekly = only(resources, "AWS::Scheduler::Schedule", "QueriesLapsed")
    assert weekly["ScheduleExpression"] == "rate(7 days)"
    assert (schedule["State"], weekly["State"]) == ("ENABLED", "DISABLED")


def test_the_ends_of_queries_reach_the_queue(resources: dict[str, Any]) -> None:
    """By the documented source and detail-types alone, with a dead-letter queue and AWS's own retries.

    https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-cleanrooms.html, read 2026-11-30
    """
    rule = only(resources, "AWS::Events::Rule")
    assert rule["EventPattern"] == {
        "source": ["aws.cleanrooms"],
        "detail-type": [
            "Protected Query Succeeded",
            "Protected Query Failed",
            "Protected Query Cancelled",
            "Protected Query Timed Out",
        ],
    }
    (target,) = rule["Targets"]
    assert target["Arn"]["Fn::GetAtt"][0].startswith("QueriesQueue")
    assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0].startswith("QueriesUndelivered")


def test_dead_letters_raise_an_alarm(resources: dict[str, Any]) -> None:
    """What the function gave up, and what did not reach it, are alarms that tell the app's topic."""
    queue = only(resources, "AWS::SQS::Queue", "QueriesQueue")
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    alarms = {
        one["Properties"]["Dimensions"][0]["Value"]["Fn::GetAtt"][0]
        for one in resources.values()
        if one["Type"] == "AWS::CloudWatch::Alarm"
        and one["Properties"].get("MetricName") == "ApproximateNumberOfMessagesVisible"
    }
    assert sorted(one.rstrip("0123456789ABCDEF") for one in alarms) == ["QueriesDeadLetters", "QueriesUndelivered"]


def test_the_function_understands_what_it_is_told(resources: dict[str, Any]) -> None:
    """The variable of the template is what the function reads: each query with the prefix of its own."""
    variables = only(resources, "AWS::Lambda::Function")["Environment"]["Variables"]
    big, lapsed = msgspec.json.decode(variables["QUERIES"], type=tuple[Query, ...])
    assert (big.name, big.prefix, big.template) == (
        "big-spenders",
        "activation/vip/query=audience-activation.big-spenders/",
        BIG["template"],
    )
    assert (big.bucket, dict(big.parameters), big.compute) == ("example-rooms", {"least": "500"}, {})
    assert (lapsed.sql, lapsed.result_format) == (LAPSED["sql"], "PARQUET")
    assert lapsed.compute == {"computeConfiguration": {"worker": {"type": "CR.1X", "number": 4}}}
    assert MANIFEST == WRITTEN


def test_every_call_is_allowed_and_no_result_is_read(allowed: dict[str, Any]) -> None:
    """The role may do what the sources call, and neither read nor delete an object."""
    actions = {action for one in allowed.values() for action in several(one["Action"])}
    names = {"sdk.py", "table.py", "lease.py", "paid_starts.py", "dead_letters.py", "visibility.py"}
    library = [one for one in (ROOT / "layers" / "activation").rglob("*.py") if one.name in names]
    calls = actions_of([*library, *(ROOT / "lambdas" / "clean_rooms").rglob("*.py")])
    assert {"cleanrooms:StartProtectedQuery", "cleanrooms:ListProtectedQueries"} <= calls.keys()
    assert calls.keys() <= actions
    assert not {one for one in actions if one.startswith(("s3:Get", "s3:Delete"))} - {"s3:GetBucketLocation"}
    assert not {one for one in actions if one.endswith("*")}


def test_results_are_written_by_clean_rooms_alone(allowed: dict[str, Any]) -> None:
    """The role's own write is a manifest's; all other objects come through Clean Rooms, below the prefix."""
    assert allowed["WriteResults"]["Condition"]["ForAnyValue:StringEquals"] == {
        "aws:CalledVia": "cleanrooms.amazonaws.com"
    }
    assert json.dumps(allowed["WriteResults"]["Resource"][1]).endswith(
        '/activation/vip/query=audience-activation.big-spenders/*"]]}'
    )
    assert json.dumps(allowed["CloseResults"]["Resource"][1]).endswith(
        'query=audience-activation.big-spenders/*/_manifest.json"]]}'
    )
    for one in ("WriteResults", "CloseResults", "ListResults", "FindBucket"):
        owner = allowed[one]["Condition"]["StringEquals"]
        assert owner == {"s3:ResourceAccount": {"Ref": "AWS::AccountId"}}


def test_only_its_own_records_are_within_reach(allowed: dict[str, Any]) -> None:
    """Of the ledger, the role has the starts of Clean Rooms queries."""
    assert allowed["Slots"]["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["_#start#clean_rooms#*"]}
    }


def test_the_memberships_and_the_template_are_named(allowed: dict[str, Any]) -> None:
    """No other membership can be queried; the collaboration may be of any account, which its id does not say."""
    start = json.dumps(allowed["Start"]["Resource"])
    assert f"membership/{BIG['membership']}" in start
    assert BIG["template"] in start
    assert len(several(allowed["Start"]["Resource"])) == 2
    (collaboration,) = several(allowed["ReadWhatTheyAreMadeOf"]["Resource"])
    assert f":*:collaboration/{BIG['collaboration']}" in json.dumps(collaboration)


def read(**changes: Any) -> list[str]:
    """Return the mistakes of the first query with changes; None leaves a key out."""
    query = {key: value for key, value in {**BIG, **changes}.items() if value is not None}
    given = {"connectors": EVERYTHING["connectors"], "sources": EVERYTHING["sources"], "clean_rooms": [query]}
    return mistakes(given)


def mistakes(given: dict[str, Any]) -> list[str]:
    """Return the mistakes of settings."""
    try:
        read_settings({"audience_activation": given}.get, platforms())
    except SettingsError as error:
        return error.mistakes
    return []


def test_good_settings_have_no_mistake() -> None:
    """The examples of these tests are right."""
    assert read() == []
    assert mistakes(EVERYTHING) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"membership": "mine"}, "membership: must be the id of your membership"),
        ({"collaboration": None}, "collaboration: missing"),
        ({"template": "arn:aws:cleanrooms:x"}, "template: must be the ARN of an analysis template"),
        ({"template": None}, "template: give either an analysis template or sql"),
        ({"sql": "SELECT 1"}, "template: give either an analysis template or sql"),
        ({"template": None, "sql": "SELECT 1"}, "parameters: are an analysis template's"),
        ({"template": None, "parameters": None, "sql": "x" * 2_001}, "sql: is longer than 2000 bytes"),
        ({"parameters": {"least-spend": "1"}}, "parameters: each name must be"),
        ({"parameters": {"least": 500}}, "parameters: least must be a text"),
        ({"parameters": {"least": "x" * 1_001}}, "parameters: least must be a text of up to 1000"),
        ({"schedule": None, "time_zone": None}, "schedule: missing"),
        ({"schedule": "cron(0 6 * * *)"}, "schedule: must be such as"),
        ({"schedule": "rate(5 minutes)", "time_zone": None}, "schedule: each run is a query that costs"),
        ({"time_zone": None}, "time_zone: missing"),
        ({"time_zone": "Europe/Bonn"}, "time_zone: must be the IANA name"),
        ({"source": "nobody"}, "source: must be one of"),
        ({"source": None}, "source: give either the name of a source, or export"),
        ({"source": "lake"}, "source: the bucket of lake is another account's"),
        ({"export": {"bucket": "example-exports", "prefix": "x/"}}, "source: give either"),
        (
            {"source": None, "export": {"bucket": "example-exports", "prefix": "VIP people/"}},
            "export.prefix: must be",
        ),
        ({"workers": 4}, "workers: needs worker_type"),
        ({"worker_type": "CR.1X", "workers": 1}, "workers: must be a whole number from 2 to 400"),
        ({"worker_type": "G.1X"}, "worker_type: must be one of CR.1X, CR.4X, CR.8X"),
        ({"format": "JSON"}, "format: must be one of CSV, PARQUET"),
        ({"name": "Big spenders"}, "name: must be up to 32 lower-case letters"),
        ({"every": "day"}, "every: no such setting"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_write(changes: dict[str, Any], says: str) -> None:
    """Each mistake names its key."""
    found = read(**changes)
    assert any(one.startswith(f"audience_activation.clean_rooms[0].{says}") for one in found), found


def test_a_wrong_schedule_is_one_mistake() -> None:
    """Its time zone is not blamed for it."""
    assert [one.partition(": ")[0] for one in read(schedule="cron(0 6 * * *)")] == [
        "audience_activation.clean_rooms[0].schedule"
    ]


def test_two_queries_of_one_name_are_refused() -> None:
    """Their records and results would be each other's."""
    given = {**EVERYTHING, "clean_rooms": [BIG, {**BIG, "name": "bigspenders"}]}
    assert any("the same name but for hyphens" in one for one in mistakes(given))
    given = {**EVERYTHING, "clean_rooms": [BIG, BIG]}
    assert any(one.endswith(f"name: {BIG['name']} is there twice") for one in mistakes(given))


def test_the_app_s_own_bucket_is_no_place_for_results() -> None:
    """A result there would be a drop of no connector, or a receipt."""
    place = {"bucket": "my-drops", "prefix": "x/"}
    given = {
        **EVERYTHING,
        "storage": {"drops_bucket": "my-drops"},
        "clean_rooms": [{**LAPSED, "export": place}],
    }
    assert any("not the app's own" in one for one in mistakes(given))


def test_the_results_may_be_an_export(tmp_path: Path) -> None:
    """By its name, with the app's own bucket and key: what the function is told and may write is the export's."""
    given = {**EVERYTHING, "clean_rooms": [{**LAPSED, "export": "vip"}]}
    assert mistakes(given) == []
    made = everything_templates(tmp_path, "audience-activation", clean_rooms=given["clean_rooms"])[STACK][
        "Resources"
    ]
    told = json.dumps(only(made, "AWS::Lambda::Function")["Environment"]["Variables"]["QUERIES"])
    assert "ExportsOutputRefExports" in told
    assert "vip/query=audience-activation.lapsed/" in told
    role = only(made, "AWS::IAM::Role", "QueriesRole")
    allowed = {one["Sid"]: one for one in role["Policies"][0]["PolicyDocument"]["Statement"]}
    written = json.dumps(allowed["WriteResults"]["Resource"])
    assert "ExportsOutputFnGetAttExports" in written
    assert "/vip/query=audience-activation.lapsed/*" in written
    assert "ExportsOutputFnGetAttKey" in json.dumps(allowed["EncryptResults"]["Resource"])


@pytest.mark.parametrize(("export", "says"), [("vipp", "one of vip, daily"), ("daily", "schedule of its own")])
def test_an_export_that_cannot_take_results_is_a_mistake(export: str, says: str) -> None:
    """It has to be one of the settings', and one that its files start."""
    found = mistakes({**EVERYTHING, "clean_rooms": [{**LAPSED, "export": export}]})
    assert any(one.startswith("audience_activation.clean_rooms[0].export: ") and says in one for one in found)


def test_the_function_s_asset_is_its_folder_alone(everything: dict[str, Any]) -> None:
    """Its code names no other function's."""
    assert STACK in everything
    for path in Path(ROOT / "lambdas" / "clean_rooms").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        others = [one for one in text.split() if one.startswith("lambdas.") and "clean_rooms" not in one]
        assert others == []
