"""Least privilege: what each role may do, action by action and resource by resource."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from activation.platforms import discovery
from activation.platforms.authentication import Authentication, OAuth1, OAuth2Refresh, Several, StaticToken
from activation.platforms.discovery import every_platform, platforms

from tests.infrastructure.conftest import Templates, synthesise, tree

SECRETS = re.compile(r"token|password|secret|api_?key|credential", re.IGNORECASE)


def text(value: Any) -> str:
    """Write an ARN of a template as text: its parts put together, references by their logical id or export."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        separator, parts = argument
        return str(separator).join(text(part) for part in parts)
    if function == "Fn::GetAtt":
        return f"<{argument[0]}>"
    if function == "Fn::ImportValue":
        return f"<{argument.split(':')[-1]}>"
    return f"<{argument}>"


def several(value: Any) -> list[Any]:
    """Return a policy's one or several as several."""
    return value if isinstance(value, list) else [value]


def statements(templates: Templates, role: str) -> dict[str, dict[str, Any]]:
    """Return the statements of a role by their id; it has one inline policy and no managed one."""
    properties = templates.resource("AWS::IAM::Role", role)
    assert "ManagedPolicyArns" not in properties
    (policy,) = properties["Policies"]
    return {one["Sid"]: one for one in policy["PolicyDocument"]["Statement"]}


def every_statement(templates: Templates) -> list[dict[str, Any]]:
    """Return every statement that any role of the app has."""
    assert not templates.resources("AWS::IAM::Policy"), "something added to a role behind permissions.py"
    for policy in templates.resources("AWS::IAM::ManagedPolicy").values():
        assert not {"Roles", "Users", "Groups"} & policy.keys()
    return [
        statement
        for role in templates.resources("AWS::IAM::Role").values()
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def test_one_role_for_each_function(templates: Templates) -> None:
    """No two functions share a role, and only Lambda can take one."""
    functions = templates.resources("AWS::Lambda::Function")
    roles = {function["Role"]["Fn::GetAtt"][0] for function in functions.values()}
    assert len(roles) == len(functions) == len(templates.resources("AWS::IAM::Role"))
    for role in templates.resources("AWS::IAM::Role").values():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_no_action_has_a_wildcard(templates: Templates) -> None:
    """Every action is written out."""
    assert not [
        action
        for statement in every_statement(templates)
        for action in several(statement["Action"])
        if "*" in action
    ]


def test_wildcard_resources_are_own_objects_and_tracing(templates: Templates) -> None:
    """Only objects below the connector's own prefix, and X-Ray, which has no resources, go without a full name."""
    found = {
        (frozenset(several(statement["Action"])), re.sub(r"<\w+>", "", text(resource)))
        for statement in every_statement(templates)
        for resource in several(statement["Resource"])
        if "*" in text(resource)
    }
    drops = frozenset({"s3:GetObject", "s3:GetObjectVersion"})
    receipts = frozenset({"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"})
    parts, final = frozenset({"s3:DeleteObject"}), frozenset({"s3:DeleteObjectVersion"})
    mirrors = frozenset({"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"})
    assert found == {
        (drops, "/alpha/*"),
        (drops, "/beta-eu/*"),
        (final, "/alpha/*"),
        (final, "/beta-eu/*"),
        (final, "/suppressions/*"),
        (frozenset({"s3:GetObject", "s3:PutObject"}), "/listings/alpha/*"),
        (frozenset({"s3:GetObject", "s3:PutObject"}), "/listings/beta-eu/*"),
        (receipts, "/receipts/alpha/*"),
        (receipts, "/receipts/beta-eu/*"),
        (mirrors, "/meta/*"),
        (mirrors, "/tiktok/*"),
        (frozenset({"s3:GetObject"}), "/suppressions/*"),  # the lists, which connectors only read
        (frozenset({"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}), "/suppressions/*"),
        (drops, "/suppressions/*"),
        (frozenset({"s3:GetObject", "s3:PutObject"}), "/listings/suppressions/*"),
        (receipts, "/receipts/suppressions/*"),
        (parts, "/receipts/suppressions/*/*.rejects/*"),
        (parts, "/receipts/alpha/*/*.rejects/*"),
        (parts, "/receipts/alpha/*/*.refused/*"),
        (parts, "/receipts/beta-eu/*/*.rejects/*"),
        (parts, "/receipts/beta-eu/*/*.refused/*"),
        (frozenset({"xray:PutTraceSegments", "xray:PutTelemetryRecords"}), "*"),
    }


def test_a_connector_reads_its_own_drops_only(templates: Templates) -> None:
    """Drops are read below the own prefix; the bucket may be listed, or a deleted drop would look denied."""
    own = statements(templates, "BetaEu")
    assert re.fullmatch(r"<\w*Drops\w*>/beta-eu/\*", text(own["ReadOwnDrops"]["Resource"]))
    assert own["TellGoneFromForbidden"]["Action"] == "s3:ListBucket"
    assert re.fullmatch(r"<\w*Drops\w*>", text(own["TellGoneFromForbidden"]["Resource"]))


def test_a_connector_writes_its_own_receipts_only(templates: Templates) -> None:
    """Receipts are written, read and listed below the connector's own prefix."""
    own = statements(templates, "BetaEu")
    assert re.fullmatch(r"<\w*Receipts\w*>/receipts/beta-eu/\*", text(own["OwnReceipts"]["Resource"]))
    assert own["ListOwnReceipts"]["Condition"] == {"StringLike": {"s3:prefix": ["receipts/beta-eu/*"]}}


@pytest.mark.parametrize("audience", ["vip", "vip.rejects", "vip.refused", "a" * 32 + ".rejects", ".rejects"])
def test_a_connector_cannot_delete_a_receipt(templates: Templates, audience: str) -> None:
    """It deletes parts of rejects and sets of the refused, and no receipt, list or version, whatever the audience.

    In a resource, * is any text and ? any character, slashes included:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html, read 2026-11-29
    """
    deleting = [
        one
        for one in every_statement(templates)
        if "s3:Delete" in str(one["Action"])
        and "Mirrors" not in str(one["Resource"])
        and one.get("Sid") != "DeleteFinalDrops"
    ]
    assert {action for one in deleting for action in several(one["Action"])} == {"s3:DeleteObject"}
    patterns = [re.sub(r"<[^>]+>/", "", text(own)) for one in deleting for own in several(one["Resource"])]
    stem = f"receipts/beta-eu/{audience}/{'0' * 32}"

    def may_delete(key: str) -> bool:
        return any(fnmatchcase(key, pattern) for pattern in patterns)

    assert may_delete(f"{stem}.rejects/000000000001-0.csv")
    assert may_delete(f"{stem}.refused/consent.arrow")
    assert not may_delete(f"{stem}.json")
    assert not may_delete(f"{stem}.rejects.csv")


def test_a_connector_keeps_the_mirrors_of_its_platform(templates: Templates) -> None:
    """Nobody but the connectors of a platform reads what its audiences hold, and no person's policy does."""
    own = statements(templates, "BetaEu")
    assert re.fullmatch(r"<\w*Mirrors\w*>/tiktok/\*", text(own["OwnMirrors"]["Resource"]))
    assert "Condition" not in own["ListMirrors"], "S3 answers 403 for a lost snapshot then"
    for policy in templates.resources("AWS::IAM::ManagedPolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            assert not any("Mirrors" in text(one) for one in several(statement["Resource"]))


def test_a_connector_lists_its_own_folders_only(templates: Templates) -> None:
    """Versions are listed below the connector's own prefix, and what it listed is kept under its own name."""
    own = statements(templates, "BetaEu")
    assert own["ListOwnFolders"]["Action"] == "s3:ListBucketVersions"
    assert re.fullmatch(r"<\w*Drops\w*>", text(own["ListOwnFolders"]["Resource"]))
    assert own["ListOwnFolders"]["Condition"] == {"StringLike": {"s3:prefix": ["beta-eu/*"]}}
    assert re.fullmatch(r"<\w*Receipts\w*>/listings/beta-eu/\*", text(own["OwnListings"]["Resource"]))


def test_nothing_writes_drops(templates: Templates) -> None:
    """No function can put, change or hide a drop; a connector's may delete a version of its own for good."""
    for statement in every_statement(templates):
        for action in several(statement["Action"]):
            if action.startswith(("s3:Put", "s3:Delete")) and action != "s3:DeleteObjectVersion":
                assert all(re.search("Receipts|Mirrors", text(one)) for one in several(statement["Resource"]))
    for role, prefix in (("Alpha", "alpha"), ("BetaEu", "beta-eu")):
        own = statements(templates, role)["DeleteFinalDrops"]
        assert own["Action"] == "s3:DeleteObjectVersion"
        assert re.fullmatch(rf"<\w*Drops\w*>/{prefix}/\*", text(own["Resource"]))


def test_the_key_is_used_through_services_only(templates: Templates) -> None:
    """No function can decrypt anything itself: the key answers S3, Secrets Manager and DynamoDB in its name."""
    via = {}
    for statement in statements(templates, "BetaEu").values():
        actions = several(statement["Action"])
        if actions[0].startswith("kms:"):
            services = tuple(
                text(one).split(".")[0]
                for one in several(statement["Condition"]["StringEquals"]["kms:ViaService"])
            )
            via[services] = set(actions)
            assert re.fullmatch(r"<\w*Key\w*>", text(statement["Resource"]))
    assert via[("s3", "secretsmanager")] == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert "kms:CreateGrant" not in via[("dynamodb",)]
    assert len(via) == 2


def test_a_connector_reads_one_secret(templates: Templates) -> None:
    """The own secret, by its ARN."""
    own = statements(templates, "BetaEu")["OwnSecret"]
    assert own["Action"] == "secretsmanager:GetSecretValue"
    assert re.fullmatch(r"<BetaEuSecret\w+>", text(own["Resource"]))


def test_connectors_of_one_platform_wake_each_other(tmp_path: Path) -> None:
    """Their runs pass the locks of one ad account's audiences to each other, and send to nobody else's queue."""
    platforms_of = {"alpha": "meta", "beta": "tiktok", "gamma": "meta"}
    settings = {"connectors": [{"name": name, "platform": one} for name, one in platforms_of.items()]}
    made = synthesise(tmp_path / "out", settings, root=tree(tmp_path / "tree"))
    for name, other in (("Alpha", "Gamma"), ("Gamma", "Alpha")):
        wakes = statements(made, name)["WakeOthers"]
        assert several(wakes["Action"]) == ["sqs:SendMessage"]
        (queue,) = several(wakes["Resource"])
        assert re.fullmatch(rf"<{other}Queue\w+>", text(queue))
    assert "WakeOthers" not in statements(made, "Beta")


ROTATING = OAuth2Refresh("https://platform.example/token", rotates=True)


@pytest.mark.parametrize(
    ("authentication", "writes"),
    [
        (ROTATING, True),
        (Several((OAuth1(), ROTATING)), True),
        (replace(ROTATING, rotates=False), False),
        (StaticToken(proof_key="app_secret"), False),
    ],
    ids=["rotating", "one of several", "lasting", "fixed"],
)
def test_a_secret_is_written_only_where_tokens_rotate(
    authentication: Authentication,
    writes: bool,
    tmp_path: Path,
    settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A function whose platform gives each refresh token once stores the next one; no other can write a secret."""
    changed = replace(platforms()["tiktok"], authentication=authentication)
    found = {**every_platform(), "tiktok": changed}
    monkeypatch.setattr(discovery, "every_platform", lambda: found)
    made = synthesise(tmp_path / "out", settings, root=tree(tmp_path / "tree"))
    own = statements(made, "BetaEu")["OwnSecret"]
    assert several(own["Action"]) == ["secretsmanager:GetSecretValue", *["secretsmanager:PutSecretValue"] * writes]
    assert re.fullmatch(r"<BetaEuSecret\w+>", text(own["Resource"]))
    others = [one for one in every_statement(made) if one != own]
    assert "PutSecretValue" not in json.dumps(others)


def test_the_ledger_is_divided_by_leading_keys(templates: Templates) -> None:
    """A connector touches its own runs and its platform's accounts, no other connector's."""
    ledger = statements(templates, "BetaEu")["Ledger"]
    assert ledger["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["beta-eu#*", "account#tiktok#*"]}
    }
    assert "dynamodb:Scan" not in ledger["Action"]
    assert re.fullmatch(r"<\w*Ledger\w*>", text(ledger["Resource"]))


def test_queues_are_the_connector_s_own(templates: Templates) -> None:
    """The function reads and continues its own queue, and can only add to its dead letters."""
    own = statements(templates, "BetaEu")
    assert re.fullmatch(r"<BetaEuQueue\w+>", text(own["OwnQueue"]["Resource"]))
    assert own["OwnDeadLetters"]["Action"] == "sqs:SendMessage"
    assert re.fullmatch(r"<BetaEuDeadLetters\w+>", text(own["OwnDeadLetters"]["Resource"]))


def test_the_mapping_has_what_lambda_asks_for(templates: Templates) -> None:
    """Lambda polls with the function's role and refuses a mapping whose role lacks one of these."""
    assert {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} <= set(
        statements(templates, "BetaEu")["OwnQueue"]["Action"]
    )


def test_logs_go_to_the_own_group(templates: Templates) -> None:
    """No function can create log groups or write to another's."""
    own = statements(templates, "BetaEu")["OwnLogs"]
    assert set(own["Action"]) == {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert re.fullmatch(r"<BetaEuLogs\w+>", text(own["Resource"]))


def test_a_policy_fits_its_role(templates: Templates) -> None:
    """IAM takes at most 10,240 characters of inline policies a role."""
    for role in templates.resources("AWS::IAM::Role").values():
        assert len(re.sub(r"\s", "", str(role["Policies"]))) < 10_240


@pytest.mark.parametrize("template", ["storage", "activation"])
def test_templates_hold_no_secret_value(templates: Templates, template: str) -> None:
    """No parameter, property or default carries a credential; secrets are named by ARN only."""
    resources = getattr(templates, template)["Resources"]
    for id_, resource in resources.items():
        for key in ("SecretString", "GenerateSecretString"):
            assert key not in resource.get("Properties", {}), id_
        variables = resource.get("Properties", {}).get("Environment", {}).get("Variables", {})
        assert {name for name in variables if SECRETS.search(name)} <= {"SECRET_ARN"}
