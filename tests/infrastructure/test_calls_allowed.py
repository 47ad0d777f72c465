"""Every call that a connector's function makes of AWS is allowed by its role."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from activation.platforms.discovery import platform_named

from tests.infrastructure.conftest import Templates
from tests.infrastructure.test_permissions import several, statements
from tests.sdk_calls import ROOT, calls_of

# The action that a call needs where its name is not the operation's own. Sources, read 2026-11-29:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
# https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html, read 2026-11-30
ACTIONS = {
    ("dynamodb", "TransactWriteItems"): "dynamodb:ConditionCheckItem",  # and that of each write in it
    ("s3", "HeadObject"): "s3:GetObject",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "ListObjectVersions"): "s3:ListBucketVersions",
    ("s3", "GetBucketEncryption"): "s3:GetEncryptionConfiguration",
    ("s3", "GetBucketNotificationConfiguration"): "s3:GetBucketNotification",
    ("s3", "DeleteObjects"): "s3:DeleteObject",
    ("s3", "CreateMultipartUpload"): "s3:PutObject",
    ("s3", "UploadPart"): "s3:PutObject",
    ("s3", "CompleteMultipartUpload"): "s3:PutObject",
    ("s3", "ListParts"): "s3:ListMultipartUploadParts",
    ("sqs", "ChangeMessageVisibilityBatch"): "sqs:ChangeMessageVisibility",
    ("sqs", "SendMessageBatch"): "sqs:SendMessage",
    ("sns", "PublishBatch"): "sns:Publish",
}
# A version is read, and deleted, under an action of its own; an object of a source without versions is not.
VERSIONED = {
    ("s3", "GetObject"): "s3:GetObjectVersion",
    ("s3", "HeadObject"): "s3:GetObjectVersion",
    ("s3", "DeleteObjects"): "s3:DeleteObjectVersion",
}
# Only a platform whose tokens can be used once lets its function write the secret, and only a connector whose
# settings name a parameter reads one; see test_permissions.
OPTIONAL = {"secretsmanager:PutSecretValue", "ssm:GetParameter"}


# The library's modules that look for drops without a run; only the function that watches the drops calls them.
RUNS = ROOT / "layers" / "activation" / "python" / "activation" / "runs"
WATCH = frozenset({RUNS / "missing.py", RUNS / "missing_in_sources.py"})


def needed(folder: str) -> dict[str, set[str]]:
    """Return the actions that the sources of a connector's function need, each with the files that call it."""
    rooms = [ROOT / "layers" / "activation", *(ROOT / "lambdas" / one for one in platform_named(folder).folders)]
    return actions_of(path for room in rooms for path in room.rglob("*.py") if path not in WATCH)


def actions_of(paths: Iterable[Path]) -> dict[str, set[str]]:
    """Return the actions that sources need, each with the files that call it."""
    found: dict[str, set[str]] = {}
    for path in paths:
        for service, operation, _ in calls_of(path):
            actions = {ACTIONS.get((service, operation), f"{service}:{operation}")}
            if (service, operation) in VERSIONED:
                actions.add(VERSIONED[service, operation])
            for action in actions:
                found.setdefault(action, set()).add(Path(path).name)
    return found


@pytest.mark.parametrize(("role", "folder"), [("Alpha", "meta"), ("BetaEu", "tiktok")])
def test_every_call_of_a_connector_is_allowed(templates: Templates, role: str, folder: str) -> None:
    """No call in its sources or in the library meets a role that lacks its action."""
    allowed = {
        action for one in statements(templates, f"{role}Role").values() for action in several(one["Action"])
    }
    calls = needed(folder)
    assert {"s3:GetObjectVersion", "dynamodb:UpdateItem", "sqs:ChangeMessageVisibility"} <= calls.keys()
    assert {action: files for action, files in calls.items() if action not in allowed | OPTIONAL} == {}


@pytest.mark.parametrize("role", ["Alpha", "BetaEu"])
def test_nothing_is_allowed_that_no_call_needs(templates: Templates, role: str) -> None:
    """Each action of a role is one that a call needs, or that AWS itself uses in the function's name.

    Lambda reads the queue (ReceiveMessage, DeleteMessage, GetQueueAttributes), sends traces and writes logs, and
    S3, DynamoDB and Secrets Manager use the key, each with the function's role:
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html, read 2026-11-22
    """
    by_aws = re.compile(r"kms:|logs:|xray:|sqs:(ReceiveMessage|DeleteMessage|GetQueueAttributes)$")
    allowed = {
        action for one in statements(templates, f"{role}Role").values() for action in several(one["Action"])
    }
    folder = {"Alpha": "meta", "BetaEu": "tiktok"}[role]
    assert {action for action in allowed if not by_aws.match(action)} - needed(folder).keys() == set()


def test_every_call_of_the_watch_is_allowed(templates: Templates) -> None:
    """The function that watches the drops lists them and looks them up, with a role that allows just that."""
    allowed = {
        action for one in statements(templates, "DropWatchRole").values() for action in several(one["Action"])
    }
    calls = actions_of([*WATCH, *(ROOT / "lambdas" / "drop_watch").rglob("*.py")])
    assert calls.keys() == {"s3:ListBucketVersions", "dynamodb:BatchGetItem"}
    assert calls.keys() <= allowed
    for path in ROOT.joinpath("lambdas").rglob("*.py"):
        if path.parent.name != "drop_watch":
            assert "runs.missing" not in path.read_text(encoding="utf-8"), path
