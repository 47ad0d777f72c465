"""What a company has already or prescribes: names of buckets, a key, a permissions boundary, tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from stacks.context import Reader
from stacks.names import BUCKET, KEY_ARN, KEY_MEANING

_POLICY_ARN = r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]{1,512}"
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html, read 2026-11-29
_TAG_KEY, _TAG_VALUE = r"(?!aws:)[\w .:/=+@-]{1,128}", r"[\w .:/=+@-]{0,256}"
MOST_TAGS = 40  # of 50 that a resource may have; CloudFormation and the CDK add some of their own


@dataclass(frozen=True)
class StorageSettings:
    """How the storage stack is named and encrypted; "" leaves a name to CloudFormation and makes a key.

    `drops_bucket`, `receipts_bucket` and `mirrors_bucket` are names for the buckets that the app makes. `key_arn`
    is an existing KMS key that encrypts everything in place of a key of the app's own.
    """

    drops_bucket: str
    receipts_bucket: str
    mirrors_bucket: str
    key_arn: str


def read_storage(reader: Reader) -> StorageSettings:
    """Read the section `storage`; its mistakes are the reader's."""
    storage = StorageSettings(
        drops_bucket=reader.text("drops_bucket", pattern=BUCKET, meaning="a bucket's name", default=""),
        receipts_bucket=reader.text("receipts_bucket", pattern=BUCKET, meaning="a bucket's name", default=""),
        mirrors_bucket=reader.text("mirrors_bucket", pattern=BUCKET, meaning="a bucket's name", default=""),
        key_arn=reader.text("key_arn", pattern=KEY_ARN, meaning=KEY_MEANING, default=""),
    )
    if storage.drops_bucket and storage.drops_bucket == storage.receipts_bucket:
        reader.mistake("receipts_bucket", "is the drops bucket: every receipt would be an event of a drop")
    if storage.mirrors_bucket and storage.mirrors_bucket in (storage.drops_bucket, storage.receipts_bucket):
        reader.mistake("mirrors_bucket", "is the bucket of drops or of receipts, which others may read")
    reader.finish()
    return storage


def read_boundary(reader: Reader) -> str:
    """Read the policy that bounds every role, "" for none."""
    return reader.text("permissions_boundary", pattern=_POLICY_ARN, meaning="the ARN of an IAM policy", default="")


def read_tags(reader: Reader) -> tuple[tuple[str, str], ...]:
    """Read the tags of every resource; mistakes are the reader's."""
    given: Mapping[str, object] = reader.values("tags")
    if len(given) > MOST_TAGS:
        reader.mistake("tags", f"are more than {MOST_TAGS}")
    tags = []
    for key, value in given.items():
        if not re.fullmatch(_TAG_KEY, key):
            reader.mistake("tags", "a key must be up to 128 letters, digits and _.:/=+@-, and not begin with aws:")
        elif not isinstance(value, str) or not re.fullmatch(_TAG_VALUE, value):
            reader.mistake(f"tags.{key}", "must be a text of up to 256 letters, digits, spaces and _.:/=+@-")
        else:
            tags.append((key, value))
    return tuple(tags)
