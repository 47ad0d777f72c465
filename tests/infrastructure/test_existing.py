"""What a company has already: names, keys, secrets, a permissions boundary and tags are taken as they are."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from activation.platforms.discovery import platforms

from stacks.names import RESERVED
from stacks.packaging import ROOT
from stacks.settings import SettingsError, read_settings
from tests.infrastructure.conftest import Templates, synthesise, tree
from tests.infrastructure.test_permissions import every_statement, several, statements, text

KEY = "arn:aws:kms:eu-central-1:123456789012:key/0a1b2c3d-1111-2222-3333-444455556666"
SECRETS_KEY = "arn:aws:kms:eu-central-1:123456789012:key/mrk-0a1b2c3d111122223333444455556666"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:ads/meta-AbCdEf"
BOUNDARY = "arn:aws:iam::123456789012:policy/platform/bounded"
TAGS = {"cost-center": "4711", "owner": "Marketing Ops"}
EXISTING = {
    "storage": {
        "drops_bucket": "example-drops",
        "receipts_bucket": "example-receipts",
        "mirrors_bucket": "example-mirrors",
        "key_arn": KEY,
    },
    "permissions_boundary": BOUNDARY,
    "tags": TAGS,
    "connectors": [
        {"name": "alpha", "platform": "meta", "secret_arn": SECRET, "secret_key_arn": SECRETS_KEY},
        {"name": "beta-eu", "platform": "tiktok", "ssm_parameter": "/ads/tiktok", "secret_key_arn": SECRETS_KEY},
    ],
}


@pytest.fixture(scope="module")
def existing(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Synthesise the app with everything that exists; a finding of cdk-nag would stop it."""
    root = tree(tmp_path_factory.mktemp("tree"))
    return synthesise(tmp_path_factory.mktemp("assembly"), EXISTING, root=root)


def test_the_buckets_have_the_names_of_the_settings(existing: Templates, templates: Templates) -> None:
    """All are the app's own buckets under those names; without names CloudFormation chooses."""
    assert existing.resource("AWS::S3::Bucket", "Drops")["BucketName"] == "example-drops"
    assert existing.resource("AWS::S3::Bucket", "Receipts")["BucketName"] == "example-receipts"
    assert existing.resource("AWS::S3::Bucket", "Mirrors")["BucketName"] == "example-mirrors"
    assert all("BucketName" not in one for one in templates.resources("AWS::S3::Bucket").values())


def test_an_existing_key_encrypts_all_data(existing: Templates) -> None:
    """Data, ledger and logs are encrypted with the one of the settings, and no key is made for them."""
    # But for the topics' own, whose policy lets AWS's services publish.
    assert [id_[:-8] for id_ in existing.resources("AWS::KMS::Key")] == ["NoticesKey"]
    for name in ("Drops", "Receipts", "Mirrors"):
        (rule,) = existing.resource("AWS::S3::Bucket", name)["BucketEncryption"][
            "ServerSideEncryptionConfiguration"
        ]
        assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == KEY
    table = existing.resource("AWS::DynamoDB::Table")
    assert table["SSESpecification"]["KMSMasterKeyId"] == KEY
    assert {one["KmsKeyId"] for one in existing.resources("AWS::Logs::LogGroup").values()} == {KEY}
    own = statements(existing, "BetaEu")
    assert own["KeyThroughStorage"]["Resource"] == own["KeyThroughLedger"]["Resource"] == KEY


def test_an_existing_secret_is_read_and_none_is_made(existing: Templates) -> None:
    """The function reads that secret alone, with its key through Secrets Manager."""
    assert not existing.resources("AWS::SecretsManager::Secret")
    own = statements(existing, "Alpha")
    assert (own["OwnSecret"]["Action"], own["OwnSecret"]["Resource"]) == ("secretsmanager:GetSecretValue", SECRET)
    key = own["OwnSecretKey"]
    assert (key["Action"], key["Resource"]) == ("kms:Decrypt", SECRETS_KEY)
    assert text(several(key["Condition"]["StringEquals"]["kms:ViaService"])[0]).startswith("secretsmanager.")
    assert existing.activation["Outputs"]["AlphaSecretArn"]["Value"] == SECRET


def test_a_parameter_takes_the_place_of_a_secret(existing: Templates) -> None:
    """The function may get that parameter alone, with its key through SSM, and is told its ARN."""
    own = statements(existing, "BetaEu")
    assert own["OwnSecret"]["Action"] == "ssm:GetParameter"
    assert text(own["OwnSecret"]["Resource"]).endswith(":parameter/ads/tiktok")
    via = own["OwnSecretKey"]["Condition"]["StringEquals"]["kms:ViaService"]
    assert text(several(via)[0]).startswith("ssm.")
    variables = existing.resource("AWS::Lambda::Function", "BetaEuFunction")["Environment"]["Variables"]
    assert text(variables["SECRET_ARN"]) == text(own["OwnSecret"]["Resource"])


def test_every_role_is_bounded(existing: Templates, templates: Templates) -> None:
    """An organisation that allows no role without its policy can deploy the app."""
    roles = existing.resources("AWS::IAM::Role").values()
    assert {role["PermissionsBoundary"] for role in roles} == {BOUNDARY}
    assert not [one for one in templates.resources("AWS::IAM::Role").values() if "PermissionsBoundary" in one]


def test_every_resource_has_the_tags(existing: Templates) -> None:
    """Buckets, functions, queues, tables and roles carry them."""
    for type_ in ("S3::Bucket", "Lambda::Function", "SQS::Queue", "DynamoDB::Table", "IAM::Role", "SNS::Topic"):
        for resource in existing.resources(f"AWS::{type_}").values():
            tags = {one["Key"]: one["Value"] for one in resource["Tags"]}
            assert tags.items() >= TAGS.items(), type_


def test_a_function_uses_no_more_than_before(existing: Templates) -> None:
    """No statement has a wildcard action or all keys."""
    found = every_statement(existing)
    assert not [one for one in found for action in several(one["Action"]) if "*" in action]
    keys = [one for one in found if several(one["Action"])[0].startswith("kms:")]
    assert {resource for one in keys for resource in several(one["Resource"])} == {KEY, SECRETS_KEY}


def test_every_mistake_is_reported_at_once() -> None:
    """One synth names all there is to correct, each with its key."""
    found = _mistakes(
        {
            "storage": {"drops_bucket": "Drops", "receipts_bucket": "x", "key_arn": "alias/mine", "bucket": "y"},
            "permissions_boundary": "bounded",
            "tags": {"aws:mine": "x", "owner": 1},
            "connectors": [
                {"name": "a", "platform": "meta", "secret_arn": "ads/meta", "ssm_parameter": "a b"},
                {"name": "b", "platform": "meta", "secret_arn": SECRET, "ssm_parameter": "/ads/meta"},
                {"name": "c", "platform": "snapchat", "ssm_parameter": "/ads/snapchat"},
                {"name": "d", "platform": "meta", "secret_key_arn": KEY},
            ],
        }
    )
    assert [one.partition(": ")[0].removeprefix("audience_activation.") for one in found] == [
        "connectors[0].secret_arn",
        "connectors[0].ssm_parameter",
        "connectors[1].ssm_parameter",
        "connectors[2].ssm_parameter",
        "connectors[3].secret_key_arn",
        "storage.drops_bucket",
        "storage.receipts_bucket",
        "storage.key_arn",
        "storage.bucket",
        "permissions_boundary",
        "tags",
        "tags.owner",
    ]


def test_one_bucket_is_not_both() -> None:
    """A receipt among the drops would be an event, and a source is never the app's own bucket."""
    connectors = [{"name": "meta", "platform": "meta"}]
    both = {"drops_bucket": "example-data", "receipts_bucket": "example-data"}
    (mistake,) = _mistakes({"connectors": connectors, "storage": both})
    assert mistake.startswith("audience_activation.storage.receipts_bucket: ")
    for other in ("drops_bucket", "receipts_bucket"):
        twice = {other: "example-data", "mirrors_bucket": "example-data"}
        (mistake,) = _mistakes({"connectors": connectors, "storage": twice})
        assert mistake.startswith("audience_activation.storage.mirrors_bucket: ")
    source = {
        "name": "own",
        "kind": "bucket",
        "bucket": "example-drops",
        "prefix": "a/",
        "connector": "meta",
        "audience": "A",
        "identifiers": "raw",
    }
    given = {"connectors": connectors, "storage": {"drops_bucket": "example-drops"}, "sources": [source]}
    (mistake,) = _mistakes(given)
    assert mistake.startswith("audience_activation.sources: ")


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_reserved_name_is_no_connector_s(name: str) -> None:
    """Neither its prefix in a bucket nor its records in the ledger may be somebody else's."""
    (mistake,) = _mistakes({"connectors": [{"name": name, "platform": "meta"}]})
    assert mistake.startswith("audience_activation.connectors[0].name: ")


def test_what_the_ledger_shares_by_platform_is_reserved() -> None:
    """A connector called account would reach the records of all platforms' accounts."""
    from activation.ledger.keys import audience_key

    assert audience_key("meta", "1", "A").partition("#")[0] in RESERVED


def _mistakes(given: dict[str, Any]) -> list[str]:
    try:
        read_settings({"audience_activation": json.loads(json.dumps(given))}.get, platforms())
    except SettingsError as error:
        return error.mistakes
    return []


def test_settings_are_read_without_the_cdk() -> None:
    """The command reads them where only the command is installed, and starts fast."""
    code = "import sys, stacks.settings; print([one for one in ('aws_cdk', 'jsii') if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
