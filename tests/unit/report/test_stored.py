"""Receipts' pages in their bucket."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import pytest
from activation.report import stored
from botocore.exceptions import ClientError

from tests.unit.report.test_page import receipt_of

DENIED = ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")


@dataclass
class Bucket:
    """A bucket with a list of rejects; `answers` are what S3 raises to a call, by its name."""

    rejects: bytes = b"row,column,code,file,row_in_file\n"
    answers: dict[str, Exception] = field(default_factory=dict)
    pages: list[str] = field(default_factory=list)

    def get_object(self, **_: Any) -> dict[str, Any]:
        """Read the list."""
        if "get_object" in self.answers:
            raise self.answers["get_object"]
        return {"Body": io.BytesIO(self.rejects)}

    def put_object(self, *, Key: str, **_: Any) -> None:
        """Write a page."""
        if "put_object" in self.answers:
            raise self.answers["put_object"]
        self.pages.append(Key)


@pytest.mark.parametrize(
    "bucket",
    [
        Bucket(answers={"get_object": DENIED}),
        Bucket(answers={"put_object": DENIED}),
        Bucket(rejects=b"row,column,code\n1,\xff,x\n"),
        Bucket(rejects=b"something,else\n1,2\n"),
    ],
    ids=["list denied", "page denied", "list not UTF-8", "list of another form"],
)
def test_a_run_does_not_fail_for_its_page(bucket: Bucket, caplog: pytest.LogCaptureFixture) -> None:
    """A page that cannot be made is left out and logged, without a value of the list."""
    client: Any = bucket
    stored.write_page(client, "receipts", "a/b", receipt_of())
    assert not bucket.pages
    assert "the receipt's page cannot be made" in caplog.text


def test_a_page_is_written_beside_its_receipt() -> None:
    """Under the receipt's name."""
    bucket = Bucket()
    client: Any = bucket
    stored.write_page(client, "receipts", "a/b", receipt_of())
    assert bucket.pages == ["a/b.html"]
