"""What a batch call is checked for."""

from __future__ import annotations

import pytest
from ministack.core.iam_actions import extract_iam_action

from sandbox.emulator.batch_permissions import as_for_one

OBJECT = "<Object><Key>a/b</Key>{}</Object>"
VERSION = "<VersionId>1</VersionId>"


@pytest.mark.parametrize(
    ("body", "action"),
    [
        (OBJECT.format(VERSION), "s3:DeleteObjectVersion"),
        (OBJECT.format(""), "s3:DeleteObject"),
        (OBJECT.format("") + OBJECT.format(VERSION), "s3:DeleteObject"),
        ("", "s3:DeleteObject"),
    ],
)
def test_the_first_object_of_a_deletion_is_checked_as_it_is_named(body: str, action: str) -> None:
    """A version needs the right to delete versions, and none to hide the object behind a delete marker."""
    text = f"<Delete>{body}</Delete>".encode()
    assert as_for_one(extract_iam_action)("s3", "POST", "/drops", {}, text, {"delete": [""]}) == action


def test_messages_of_a_batch_are_checked_as_one_is() -> None:
    """SQS knows no permission for a batch."""
    headers = {"x-amz-target": "AmazonSQS.SendMessageBatch"}
    assert as_for_one(extract_iam_action)("sqs", "POST", "/", headers, b"{}", {}) == "sqs:SendMessage"
