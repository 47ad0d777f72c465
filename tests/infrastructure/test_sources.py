"""Sources: buckets of other owners, whose events, objects and keys one connector alone is given."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from activation.runs.missing_in_sources import WatchedSource
from activation.runs.settings import FunctionSettings

from stacks.packaging import ROOT
from stacks.settings import SettingsError, read_settings
from tests.infrastructure.conftest import Templates, synthesise, tree
from tests.infrastructure.test_permissions import every_statement, several, statements, text

KEY = "arn:aws:kms:eu-central-1:210987654321:key/0a1b2c3d-1111-2222-3333-444455556666"
OWNER = "210987654321"
CLEAN_ROOMS: dict[str, Any] = {
    "name": "clean-rooms",
    "kind": "bucket",
    "bucket": "example-clean-rooms",
    "prefix": "results/vip people/",
    "connector": "beta-eu",
    "audience": "VIP people",
    "identifiers": "raw",
    "key_arn": KEY,
    "account": OWNER,
}
UNLOAD = {
    "name": "unload",
    "kind": "bucket",
    "bucket": "example-lake",
    "prefix": "",
    "connector": "beta-eu",
    "audience": "Left",
    "identifiers": "email_sha256",
    "action": "remove",
}


@pytest.fixture(scope="module")
def with_sources(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]) -> Templates:
    """Synthesise the app with two sources of the second connector; a finding of cdk-nag would stop it."""
    root = tree(tmp_path_factory.mktemp("tree"))
    given = {**settings, "sources": [CLEAN_ROOMS, UNLOAD]}
    return synthesise(tmp_path_factory.mktemp("assembly"), given, root=root)


def test_each_source_has_a_rule_of_its_own(with_sources: Templates) -> None:
    """Its events are those of its bucket, below its prefix, of its owner, and go to its connector's queue."""
    rule = with_sources.resource("AWS::Events::Rule", "BetaEuCleanRoomsSourceRule")
    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "account": [OWNER],
        "detail": {
            "bucket": {"name": ["example-clean-rooms"]},
            "object": {"key": [{"prefix": "results/vip people/"}]},
        },
    }
    (target,) = rule["Targets"]
    assert target["Arn"]["Fn::GetAtt"][0].startswith("BetaEuQueue")
    assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0].startswith("BetaEuUndelivered")
    own = with_sources.resource("AWS::Events::Rule", "BetaEuUnloadSourceRule")["EventPattern"]
    assert (own["account"], own["detail"]) == ([{"Ref": "AWS::AccountId"}], {"bucket": {"name": ["example-lake"]}})


def test_the_queue_lets_in_the_connector_s_rules_and_nothing_else(with_sources: Templates) -> None:
    """Every statement that allows something names one rule; a connector without sources has one such statement."""
    rules = with_sources.resources("AWS::Events::Rule")
    for id_, count in (("Alpha", 1), ("BetaEu", 3)):
        policy = with_sources.resource("AWS::SQS::QueuePolicy", f"{id_}Queue")["PolicyDocument"]["Statement"]
        allowed = [one for one in policy if one["Effect"] == "Allow"]
        named = {one["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::GetAtt"][0] for one in allowed}
        assert len(named) == len(allowed) == count
        assert all(one["Principal"] == {"Service": "events.amazonaws.com"} for one in allowed)
        assert named == {one for one in rules if one.startswith((f"{id_}Rule", f"{id_}Clean", f"{id_}Unload"))}


def test_the_connector_s_function_alone_reads_a_source(with_sources: Templates) -> None:
    """Objects below the prefix, the list of the prefix and the key, each of the owner's; no other role has any."""
    own = statements(with_sources, "BetaEu")
    read, listed, key = own["ReadCleanRooms"], own["ListCleanRooms"], own["DecryptSources"]
    owner = {"s3:ResourceAccount": OWNER}
    assert set(read["Action"]) == {"s3:GetObject", "s3:GetObjectVersion"}
    assert text(read["Resource"]).endswith(":s3:::example-clean-rooms/results/vip people/*")
    assert read["Condition"] == {"StringEquals": owner}
    assert set(listed["Action"]) == {"s3:ListBucket", "s3:ListBucketVersions"}
    assert text(listed["Resource"]).endswith(":s3:::example-clean-rooms")
    assert listed["Condition"] == {
        "StringEquals": owner,
        "StringLike": {"s3:prefix": "results/vip people/*"},
    }
    assert (key["Action"], key["Resource"]) == ("kms:Decrypt", KEY)
    (services,) = key["Condition"].values()
    assert text(several(services["kms:ViaService"])[0]).startswith("s3.")
    assert own["ReadUnload"]["Condition"] == {"StringEquals": {"s3:ResourceAccount": {"Ref": "AWS::AccountId"}}}
    assert "example-" not in json.dumps(statements(with_sources, "Alpha"))


def test_nothing_is_written_to_a_source(with_sources: Templates) -> None:
    """No role may do more with a source's bucket or key than read."""
    actions = {
        action
        for statement in every_statement(with_sources)
        for action in several(statement["Action"])
        if any("example-" in text(one) or text(one) == KEY for one in several(statement["Resource"]))
    }
    assert actions == {
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "kms:Decrypt",
    }


def test_the_watch_lists_the_sources_and_reads_none(with_sources: Templates) -> None:
    """It may list each prefix, look up the marks of objects without versions, and note when it began."""
    own = statements(with_sources, "DropWatch")
    listed = own["ListCleanRooms"]
    assert listed["Action"] == "s3:ListBucketVersions"
    assert text(listed["Resource"]).endswith(":s3:::example-clean-rooms")
    assert listed["Condition"] == {
        "StringEquals": {"s3:ResourceAccount": OWNER},
        "StringLike": {"s3:prefix": "results/vip people/*"},
    }
    keys = own["LookUpRuns"]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert {"beta-eu#run#*", "beta-eu#unversioned#*"} <= set(keys)
    begun = own["RecordStrays"]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert begun == ["_#unread#*", "_#source#*"]


def test_the_watch_reads_what_the_template_tells_it(with_sources: Templates) -> None:
    """Each source with its connector, as the function's settings read them."""
    written = with_sources.resource("AWS::Lambda::Function", "DropWatch")["Environment"]["Variables"]["SOURCES"]
    watched = msgspec.convert(json.loads(written), tuple[WatchedSource, ...])
    assert [(one.connector, one.source.bucket, one.source.prefix) for one in watched] == [
        ("beta-eu", "example-clean-rooms", "results/vip people/"),
        ("beta-eu", watched[1].source.bucket, ""),
    ]


def test_the_function_reads_what_the_template_tells_it(with_sources: Templates) -> None:
    """The second lock in the function knows the same buckets, prefixes and owners as the rules."""
    written = with_sources.resource("AWS::Lambda::Function", "BetaEuFunction")["Environment"]["Variables"]
    plain = {name: value if isinstance(value, str) else "reference" for name, value in written.items()}
    first, second = FunctionSettings.from_environment(plain).sources
    assert (first.bucket, first.prefix, first.account) == ("example-clean-rooms", "results/vip people/", OWNER)
    assert (first.audience, first.identifiers, first.action) == ("VIP people", "raw", "add")
    assert (second.prefix, second.audience, second.action, second.account) == ("", "Left", "remove", "")
    other = with_sources.resource("AWS::Lambda::Function", "AlphaFunction")["Environment"]["Variables"]
    assert "SOURCES" not in other


def test_events_of_sources_are_archived(with_sources: Templates) -> None:
    """A day of a source can be replayed like a day of the drops bucket, and nothing else is kept."""
    pattern = with_sources.resource("AWS::Events::Archive")["EventPattern"]
    drops, clean_rooms, lake = pattern["detail"]["$or"]
    assert "Drops" in str(drops)
    assert clean_rooms == {
        "bucket": {"name": ["example-clean-rooms"]},
        "object": {"key": [{"prefix": "results/vip people/"}]},
    }
    assert lake == {"bucket": {"name": ["example-lake"]}}


def test_another_account_may_send_its_buckets_events_alone(with_sources: Templates) -> None:
    """The default bus lets in new objects' events from a source's owner, and has no such policy without one."""
    policy = with_sources.resource("AWS::Events::EventBusPolicy")["Statement"]
    assert text(policy["Principal"]["AWS"]).endswith(f":iam::{OWNER}:root")
    assert policy["Action"] == "events:PutEvents"
    assert policy["Condition"] == {
        "StringEquals": {"events:source": "aws.s3", "events:detail-type": "Object Created"}
    }


def test_the_rules_are_outputs_for_replays(with_sources: Templates) -> None:
    """`activation replay` names the rules that a replay goes to."""
    outputs = with_sources.activation["Outputs"]
    assert {"CleanRoomsSourceRuleArn", "UnloadSourceRuleArn"} <= outputs.keys()


def test_without_sources_there_is_no_trace_of_them(templates: Templates) -> None:
    """An app that reads its own bucket alone has neither rules, variables nor policies for others."""
    assert not templates.resources("AWS::Events::EventBusPolicy")
    assert "$or" not in json.dumps(templates.storage)
    assert "SOURCES" not in json.dumps(templates.activation)


@pytest.mark.parametrize(
    ("change", "key", "says"),
    [
        ({"kind": "database"}, "kind", "one of bucket"),
        ({"name": "Clean Rooms"}, "name", "lower-case"),
        ({"bucket": "s3://example"}, "bucket", "without s3://"),
        ({"prefix": "results"}, "prefix", "with a slash after it"),
        ({"prefix": "/results/"}, "prefix", "with a slash after it"),
        ({"prefix": "a//b/"}, "prefix", "with a slash after it"),
        ({"prefix": "*/"}, "prefix", "without *"),
        ({"prefix": "${aws:username}/"}, "prefix", "without *"),
        ({"prefix": "Отчёты/"}, "prefix", "Latin-1"),
        ({"connector": "gamma"}, "connector", "one of alpha, beta-eu"),
        ({"audience": "VIP/people"}, "audience", "without /"),
        ({"audience": " "}, "audience", "an audience's name"),
        ({"identifiers": "emails"}, "identifiers", "email_sha256"),
        ({"action": "erase"}, "action", "one of add, mirror, remove, replace"),
        ({"key_arn": "alias/mine"}, "key_arn", "not an alias"),
        ({"account": "me"}, "account", "12 digits"),
        ({"acount": OWNER}, "acount", "no such setting"),
    ],
)
def test_a_mistake_in_a_source_is_named(
    settings: dict[str, Any], change: dict[str, str], key: str, says: str
) -> None:
    """Each key is checked at synth, before anything is deployed."""
    (mistake,) = _mistakes(settings, CLEAN_ROOMS | change)
    assert mistake.startswith(f"audience_activation.sources[0].{key}: ")
    assert says in mistake


def test_an_object_is_a_connector_s_drop_once(settings: dict[str, Any]) -> None:
    """Prefixes within each other are refused for one connector, and are fine for two."""
    inner = CLEAN_ROOMS | {"name": "inner", "prefix": "results/vip people/new/"}
    (mistake,) = _mistakes(settings, CLEAN_ROOMS, inner)
    assert mistake.startswith("audience_activation.sources[1].prefix: is within or around that of clean-rooms")
    assert _mistakes(settings, CLEAN_ROOMS, inner | {"connector": "alpha"}) == []


def test_names_of_sources_differ_by_more_than_hyphens(settings: dict[str, Any]) -> None:
    """They name rules and outputs."""
    (mistake,) = _mistakes(settings, CLEAN_ROOMS, UNLOAD | {"name": "cleanrooms"})
    assert mistake.startswith("audience_activation.sources[1].name: cleanrooms and clean-rooms are the same")


def test_a_connector_has_room_for_its_sources(settings: dict[str, Any]) -> None:
    """A function's environment and role are limited: too many sources or words are reported, not deployed."""
    many = [UNLOAD | {"name": f"s{one}", "bucket": f"bucket-{one}"} for one in range(11)]
    assert _mistakes(settings, *many) == ["audience_activation.sources: beta-eu has more than 10"]
    long = [one | {"prefix": "x" * 400 + "/"} for one in many[:7]]
    (mistake,) = _mistakes(settings, *long)
    assert "have no room in its function" in mistake


def _mistakes(settings: Mapping[str, Any], *sources: Mapping[str, Any]) -> list[str]:
    from activation.platforms.discovery import platforms

    given = {"audience_activation": {**settings, "sources": list(sources)}}
    try:
        read_settings(given.get, platforms())
    except SettingsError as error:
        return error.mistakes
    return []


def test_the_examples_of_the_docs_are_right() -> None:
    """Every source on the page can be pasted into this tree's settings."""
    from activation.platforms.discovery import platforms

    page = (ROOT / "docs" / "sources.md").read_text()
    blocks = [one for one in re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL) if '"kind"' in one]
    whole, *single = blocks
    examples = [*json.loads("{" + whole + "}")["sources"], *map(json.loads, single)]
    connectors = [{"name": name, "platform": name} for name in ("meta", "tiktok", "snapchat")]
    for example in examples:
        given = {"audience_activation": {"connectors": connectors, "sources": [example]}}
        (source,) = read_settings(given.get, platforms()).sources
        assert source.bucket.startswith("example-")
    assert len(examples) == 10
