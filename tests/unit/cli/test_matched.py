"""What an audience's newest receipt says of matched members."""

from __future__ import annotations

import json

import boto3
from activation.ledger.audiences import EstimatedSize
from moto import mock_aws

from cli.known_audiences import KnownAudience
from cli.matched import with_matched


def _known(name: str, **more: object) -> KnownAudience:
    record = {"connector": {"S": "tiktok"}, "last_run": {"S": "r1"}, **more}
    return KnownAudience("tiktok", "7", name, record)


@mock_aws
def test_members_are_those_of_the_last_run_unless_a_size_is_known() -> None:
    """A receipt that is missing, or says nothing of members, leaves an audience as it was."""
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="receipts")
    for name, notes in {
        "VIP": {"matched_members": "1900"},
        "Silent": {},
        "Sized": {"matched_members": "5"},
    }.items():
        receipt = {"written_at": "2026-11-30T10:00:00+00:00", "platform_notes": notes}
        s3.put_object(Bucket="receipts", Key=f"receipts/tiktok/{name}/r1.json", Body=json.dumps(receipt).encode())
    sized = _known("Sized", estimated_sizes={"L": [{"S": "2026-11-29 10 20"}]})
    found = with_matched(s3, "receipts", [_known("VIP"), _known("Silent"), _known("Gone"), sized])
    assert [one.matched for one in found] == [EstimatedSize("2026-11-30", 1_900, 1_900), None, None, None]
