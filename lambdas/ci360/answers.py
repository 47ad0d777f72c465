"""What the webhook answers: the reference connector's keys on success, the guideline's error form otherwise.

https://github.com/sassoftware/ci360-extensions, `code/ci360-s3-bulk-connector` and
`ci360-custom-development-standards/SAS-CI360-Guidelines-Connector.md` (read 2026-11-22).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


class Refused(Exception):
    """The request is answered with an error; `details` are pairs of field and issue, and hold no value.

    `hosts` are those that were refused; they are logged and not answered.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: tuple[tuple[str, str], ...] = (),
        *,
        retry_after_s: int = 0,
        hosts: tuple[str, ...] = (),
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.retry_after_s = retry_after_s
        self.hosts = hosts


@dataclass(frozen=True)
class Accepted:
    """What is said of a task taken on; a repeated call is told the same.

    `as_sas` gives it the form of SAS's own connector.
    """

    request_id: str
    occurrence_id: str
    file_name: str
    bucket: str
    key: str
    as_sas: bool = False


def accepted(answer: Accepted, request_id: str) -> dict[str, Any]:
    """Answer 202 or, as SAS's own connector does, 200 with `status`, `upload_filename` and `bucket_name` alone.

    Its `s3_url`, a link with which anybody may fetch the file for a day, is left out of both.
    """
    if answer.as_sas:
        as_sas = {"status": "OK", "upload_filename": answer.file_name, "bucket_name": answer.bucket}
        return _response(200, as_sas, request_id)
    body = {
        "status": "Accepted",
        "requestId": answer.request_id,
        "occurrenceId": answer.occurrence_id or None,
        "upload_filename": answer.file_name,
        "bucket_name": answer.bucket,
        "key": answer.key,
    }
    return _response(202, body, request_id)


def refused(error: Refused, request_id: str) -> dict[str, Any]:
    """Answer with the guideline's error form."""
    body: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "requestId": request_id,
    }
    if error.details:
        body["details"] = [{"field": field, "issue": issue} for field, issue in error.details]
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    return _response(error.status, {"error": body}, request_id, headers)


def _response(
    status: int, body: Mapping[str, Any], request_id: str, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {
            "Content-Type": "application/json",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Request-ID": request_id,
            **(headers or {}),
        },
        "isBase64Encoded": False,
        "body": json.dumps(body),
    }
