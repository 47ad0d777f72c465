"""The two deployments over Amazon's example stacks, in the templates they become."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from stacks.marketing_stream import pinned
from stacks.marketing_stream.catalogue import BY_ID, Realm
from stacks.marketing_stream.settings import StreamDataset
from stacks.settings import SettingsError
from tests.infrastructure.stream_templates import Template, of_type, synthesise
from tests.infrastructure.test_marketing_stream import settings_of

# What the example stacks synthesise to, of all 45: the ends of the ids of two mappings, and how the names of the
# roles of the other delivery begin. https://github.com/amzn/amazon-marketing-stream-examples, read 2026-11-29
EXAMPLE = Path(__file__).with_name("data") / "example_stacks.csv"
SECTION = {
    "realms": ["NA"],
    "datasets": ["sp-traffic"],
    "overrides": [{"dataset": "budget-usage", "delivery": ["firehose"]}],
}
QUEUE, DIRECT = "AmzStream-NA-sp-traffic", "AmzStream-NA-budget-usage"

# The ids of the example stacks that a deployment must not take away.
QUEUES = {
    "IngressQueue26236266",
    "IngressDlq69714C64",
    "IngressQueuePolicy51A6E0B5",
    "FanoutSubsConfirmationQueue45DB7E45",
    "FanoutSubsConfirmationDlq1E3A7822",
}
MAPPINGS = {
    "FanoutLambdaSqsEventSourceAmzStreamNAsptrafficIngressQueue54CA66F780671CCC",
    "SubsConfirmationLambdaSqsEventSourceAmzStreamNAsptrafficFanoutSubsConfirmationQueueB8C3A828CD8E016D",
}
ROLES = {
    "FirehoseSubscriptionRoleInfraFirehoseSubscriptionRoleF02F2291": "budget-u-NA-subscription",
    "FirehoseSubscriberRoleInfraFirehoseSubscriberRole34E8AE0B": "budget-u-NA-subscriber",
}
LANDING = {"StorageLZ10F6C360", "StorageFirehoseEEA939E5"}
# What only the first deployment keeps.
DESTINATION = {
    "StorageFirehoseS3DestinationRole4A7F6E2A",
    "StorageFirehoseS3DestinationRoleDefaultPolicyF7CF78FB",
}
BETWEEN = DESTINATION | {
    "StorageFirehoseSubA3A71188",
    "StorageSnsSubsRoleCB7C113A",
    "StorageSnsSubsRoleDefaultPolicy127F3C9D",
    "FanoutLambdaServiceRoleCA70D9C8",
    "FanoutLambdaServiceRoleDefaultPolicyF13F0C47",
    "SubsConfirmationLambdaServiceRole446777D3",
    "SubsConfirmationLambdaServiceRoleDefaultPolicy4FF9E466",
}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """Synthesise the first deployment."""
    return synthesise(tmp_path_factory.mktemp("first"), SECTION, stream_upgrade="first")


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """Synthesise the second deployment, which is that of every later day."""
    return synthesise(tmp_path_factory.mktemp("second"), SECTION)


def variables(template: Template) -> dict[str, Any]:
    """Return the environment of the fan-out function."""
    (found,) = [
        one["Environment"]["Variables"]
        for one in of_type(template, "AWS::Lambda::Function").values()
        if "DELIVERY_STREAM" in one["Environment"]["Variables"]
    ]
    return dict(found)


def example() -> list[dict[str, str]]:
    """Return the rows of the table."""
    with EXAMPLE.open(newline="") as file:
        return list(csv.DictReader(file))


def test_ids_and_names_are_those_of_all_the_example_stacks() -> None:
    """Of each of the 45, both mappings have the example's logical id, and the roles its name."""
    rows = example()
    assert len(rows) == 45
    for row in rows:
        stack = row["stack"]
        _, realm, dataset = stack.split("-", 2)
        assert pinned.ingress_mapping(stack).endswith(f"IngressQueue{row['ingress_mapping_ends']}")
        confirmations = f"FanoutSubsConfirmationQueue{row['confirmation_mapping_ends']}"
        assert pinned.confirmation_mapping(stack).endswith(confirmations)
        wanted = StreamDataset(BY_ID[dataset], Realm(realm), "", ("firehose",))
        assert (wanted.example_name, wanted.example_roles) == (stack, True)
        assert row["role_names_begin"] == f"{dataset[:8]}-{realm}"


def test_roles_of_newer_datasets_have_no_name_of_their_own() -> None:
    """Their first eight letters are the same for several, so that two stacks would fight over one name."""
    newer = [StreamDataset(one, Realm.NA, "", ("firehose",)) for one in BY_ID.values() if not one.default]
    assert len(newer) == 12
    assert not any(one.example_roles for one in newer)


def test_both_deployments_keep_what_live_subscriptions_hold(
    first: dict[str, Template], second: dict[str, Template]
) -> None:
    """Queue, policy, mappings, landing and both named roles are in both templates under the example's ids."""
    for templates in (first, second):
        assert set(templates[QUEUE]["Resources"]) >= QUEUES | MAPPINGS | LANDING
        assert set(templates[DIRECT]["Resources"]) >= LANDING
        roles = of_type(templates[DIRECT], "AWS::IAM::Role")
        assert {id_: roles[id_].get("RoleName") for id_ in ROLES} == ROLES


def test_queues_outlive_their_stack(second: dict[str, Template]) -> None:
    """Queues, dead letters and the policy by which Amazon delivers are retained, whatever removes them."""
    resources = second[QUEUE]["Resources"]
    for id_ in QUEUES:
        assert resources[id_]["DeletionPolicy"] == resources[id_]["UpdateReplacePolicy"] == "Retain"


def test_first_deployment_lands_by_the_topic_alone(
    first: dict[str, Template], second: dict[str, Template]
) -> None:
    """In the first the subscription stays and the function only publishes; in the second it is the reverse."""
    assert set(first[QUEUE]["Resources"]) >= BETWEEN
    assert not BETWEEN & set(second[QUEUE]["Resources"])
    assert variables(first[QUEUE])["LANDS_BY_TOPIC"] == "true"
    assert variables(second[QUEUE])["LANDS_BY_TOPIC"] == "false"
    (kept,) = of_type(first[QUEUE], "AWS::SNS::Subscription").values()
    assert kept == {
        "Protocol": "firehose",
        "RawMessageDelivery": True,
        "TopicArn": {"Ref": "FanoutDataTopic0A0A60DE"},
        "Endpoint": {"Fn::GetAtt": ["StorageFirehoseEEA939E5", "Arn"]},
        "SubscriptionRoleArn": {"Fn::GetAtt": ["StorageSnsSubsRoleCB7C113A", "Arn"]},
    }
    assert set(first[DIRECT]["Resources"]) >= DESTINATION
    assert not of_type(first[DIRECT], "AWS::SNS::Subscription")


def test_the_two_deployments_differ_in_nothing_else(
    first: dict[str, Template], second: dict[str, Template]
) -> None:
    """The second only removes what was kept, and lets the function land."""
    for name in (QUEUE, DIRECT):
        one, other = first[name]["Resources"], second[name]["Resources"]
        assert set(one) - set(other) <= BETWEEN
        assert set(other) <= set(one)
        changed = {id_ for id_ in other if one[id_] != other[id_]}
        assert {other[id_]["Type"] for id_ in changed} <= {
            "AWS::Lambda::Function",
            "Custom::MarketingStreamGuard",
        }


def guards(template: Template) -> dict[str, Template]:
    """Return the questions to the guard, by whether they come before or after."""
    return {
        "after" if "WaitS" in one["Properties"] else "before": one
        for one in template["Resources"].values()
        if one["Type"] == "Custom::MarketingStreamGuard"
    }


def test_guard_is_asked_before_anything_is_changed(
    first: dict[str, Template], second: dict[str, Template]
) -> None:
    """Every resource of the example stack waits for the guard, which knows what may not go."""
    for templates in (first, second):
        for name in (QUEUE, DIRECT):
            (before,) = [
                id_
                for id_, one in templates[name]["Resources"].items()
                if one["Type"] == "Custom::MarketingStreamGuard" and "MayNotGo" in one["Properties"]
            ]
            for id_ in QUEUES | MAPPINGS | LANDING | set(ROLES) | BETWEEN:
                if id_ in templates[name]["Resources"]:
                    assert before in templates[name]["Resources"][id_]["DependsOn"], id_
    question = guards(second[QUEUE])["before"]["Properties"]
    assert question["MayNotGo"]["IngressQueue26236266"] == ""
    assert {question["MayNotGo"][id_] for id_ in ROLES} == {"firehose"}
    assert guards(second[DIRECT])["before"]["Properties"]["MayNotGo"]["IngressQueue26236266"] == "sqs"
    for name in (QUEUE, DIRECT):
        assert guards(second[name])["before"]["Properties"]["MayNotBeThere"]
        assert not guards(first[name])["before"]["Properties"]["MayNotBeThere"]
        assert guards(first[name])["before"]["Properties"]["MustBeThere"]


def test_removal_waits_for_the_function_s_old_invocations(second: dict[str, Template]) -> None:
    """The wait begins once the function is up to date, is longer than its timeout, and fits the guard's."""
    settled = guards(second[QUEUE])["after"]
    functions = of_type(second[QUEUE], "AWS::Lambda::Function")
    (function,) = [id_ for id_ in functions if id_ in settled["DependsOn"]]
    assert "DELIVERY_STREAM" in functions[function]["Environment"]["Variables"]
    assert settled["Properties"]["WaitS"] > functions[function]["Timeout"]
    (guard,) = [
        one
        for one in of_type(second["audience-activation-stream-na"], "AWS::Lambda::Function").values()
        if "guard" in one["Handler"]
    ]
    assert settled["Properties"]["WaitS"] + 60 <= guard["Timeout"]


def test_guard_may_look_at_dataset_stacks_and_nothing_else(second: dict[str, Template]) -> None:
    """Its role allows the two calls it makes, for the stacks of its realm."""
    roles = of_type(second["audience-activation-stream-na"], "AWS::IAM::Role")
    ((document,),) = [
        [policy["PolicyDocument"]["Statement"] for policy in role["Policies"]]
        for id_, role in roles.items()
        if id_.startswith("Guard")
    ]
    (looks,) = [one for one in document if one["Sid"] == "LookAtTheStack"]
    assert looks["Action"] == ["cloudformation:DescribeStacks", "cloudformation:ListStackResources"]
    assert "stack/*AmzStream-NA-*/*" in json.dumps(looks["Resource"])


def test_a_delivery_can_be_retired_and_roles_keep_other_names(tmp_path: Path) -> None:
    """Once its subscriptions are archived a delivery may go; a stack with generated role names keeps those."""
    section = SECTION | {"firehose_roles": "generated"}
    templates = synthesise(tmp_path, section, stream_retire="sqs")
    asked = guards(templates[DIRECT])["before"]["Properties"]["MayNotGo"]
    assert "sqs" not in asked.values()
    roles = of_type(templates[DIRECT], "AWS::IAM::Role")
    assert {"DirectSubscriptionRoleF1C73FAC", "DirectSubscriberRole790A661C"} <= set(roles)
    assert all("RoleName" not in one for one in roles.values())
    assert {asked[id_] for id_ in ROLES} == {"firehose"}


@pytest.mark.parametrize(
    ("section", "flags", "sentence"),
    [
        ({}, {"stream_upgrade": "second"}, "can only be `first`"),
        ({"delivery": ["sqs", "firehose"]}, {"stream_upgrade": "first"}, "add another one later"),
        ({}, {"stream_retire": "kinesis"}, "known: sqs, firehose"),
        ({"firehose_roles": "mine"}, {}, "one of example, generated"),
    ],
    ids=["step", "both deliveries", "retired", "roles"],
)
def test_wrong_steps_are_said_at_synth(section: dict[str, Any], flags: dict[str, str], sentence: str) -> None:
    """A flag that means nothing, or too much at once, stops the synth with what is wrong."""
    with pytest.raises(SettingsError, match=sentence):
        settings_of(section, **flags)
