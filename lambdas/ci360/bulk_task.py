"""A call of CI360's bulk connector, read from an API Gateway event: what is needed is checked, no more.

SAS says that the payload may grow (https://github.com/sassoftware/ci360-extensions,
`ci360-custom-development-standards/SAS-CI360-Guidelines-Connector.md`, read 2026-11-22), so unknown keys are no
error.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from activation.errors import Rejected
from activation.untrusted import mapping

from lambdas.ci360.answers import Refused
from lambdas.ci360.links import AllowedHosts, BadLink, HostRefused, Link, read_link
from lambdas.ci360.target import Target, Targets, occurrence_name

MAX_BODY_BYTES = 64 * 1024  # CI360's are about 6 kB
MAX_TEXT = 256
# Keys of an event about one person, which a triggered task sends: https://github.com/sassoftware/ci360-extensions,
# `code/ci360-scr-gateway/testing/ci360-test-event.json` (read 2026-11-30)
_TRIGGERED = frozenset({"contactResponse", "identityId", "outboundProperties"})


@dataclass(frozen=True)
class BulkTask:
    """One run of a bulk custom task, ready to be taken on."""

    targets: tuple[Target, ...]  # one or more
    occurrence: str  # the part of the key that is this run's own
    occurrence_id: str
    file_name: str
    data: Link
    metadata: Link
    tracking_code: str
    task_code: str


def read_body(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the JSON object of a request, plain or base64; raises Refused (413, 415, 400).

    Both shapes of event are read, REST API's and HTTP API's:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html,
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    headers = {str(name).lower(): value for name, value in mapping(event.get("headers")).items()}
    kind = str(headers.get("content-type") or "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "The body must be application/json")
    body = event.get("body")
    if not isinstance(body, str) or not body.strip():
        raise Refused(400, "VALIDATION_ERROR", "The request has no body")
    # Before it is decoded: base64 makes four characters of three bytes.
    if len(body) > MAX_BODY_BYTES * 4 // 3 + 4:
        raise _too_large()
    content = _decoded(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass")
    if len(content) > MAX_BODY_BYTES:
        raise _too_large()
    try:
        value = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_unambiguous, parse_constant=_no_number)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refused(400, "VALIDATION_ERROR", "The body is not a JSON object in UTF-8 with each key once")
    return value


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key given twice: whoever checked the body before us may have read the other one."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_number(_: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python takes for JSON and no other reader does."""
    raise ValueError("not JSON")


def read_task(body: Mapping[str, Any], targets: Targets, hosts: AllowedHosts) -> BulkTask:
    """Read the task; raises Refused with everything that is wrong, 403 when only a host is not allowed."""
    if "presignedUrls" not in body and not _TRIGGERED.isdisjoint(body):
        raise Refused(
            400, "TRIGGERED_TASK", "This is the body of a triggered task, about one person; use a bulk task"
        )
    reader = _TaskReader(body)
    occurrence_id = reader.optional_id("occurrenceId")
    data = reader.link("dataFile", hosts)
    metadata = reader.link("metadataFile", hosts)
    file_name = reader.file_name()
    chosen: tuple[Target, ...] = ()
    occurrence = occurrence_name(occurrence_id, data.url if data else "")
    if file_name:
        try:
            chosen = targets.choose_all(file_name, occurrence)
        except Rejected as error:
            reader.issue("sendParameters.s3_filename", error.sentence)
    reader.finish()
    if data is None or metadata is None or not chosen:  # finish() has raised: this is for the type checker
        raise AssertionError
    return BulkTask(
        targets=chosen,
        occurrence=occurrence,
        occurrence_id=occurrence_id,
        file_name=file_name,
        data=data,
        metadata=metadata,
        tracking_code=_text(body.get("responseTrackingCode")),
        task_code=_text(body.get("taskCode")),
    )


class _TaskReader:
    """Reads the keys that matter and collects what is wrong with them."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body
        self._issues: list[tuple[str, str]] = []
        self._hosts_refused: list[str] = []

    def issue(self, field: str, sentence: str) -> None:
        self._issues.append((field, sentence))

    def optional_id(self, name: str) -> str:
        value = self._body.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or not _text(value).strip():
            # Blank ones would make every run of the task one and the same.
            self.issue(name, f"must be a printable text of 1 to {MAX_TEXT} characters")
            return ""
        return value

    def link(self, name: str, hosts: AllowedHosts) -> Link | None:
        field = f"presignedUrls.{name}"
        value = mapping(self._body.get("presignedUrls")).get(name)
        if not isinstance(value, str):
            self.issue(field, "is required and must be a text")
            return None
        try:
            link = read_link(value)
            hosts.check(link)
        except HostRefused as error:
            self._hosts_refused.append(error.host)
            self.issue(field, error.sentence)
        except BadLink as error:
            self.issue(field, error.sentence)
        else:
            return link
        return None

    def file_name(self) -> str:
        value = mapping(self._body.get("sendParameters")).get("s3_filename")
        if not isinstance(value, str):
            self.issue("sendParameters.s3_filename", "is required and must be a text")
            return ""
        if not value.strip():
            self.issue("sendParameters.s3_filename", "must not be blank")
            return ""
        return value

    def finish(self) -> None:
        if not self._issues:
            return
        hosts, details = tuple(dict.fromkeys(self._hosts_refused)), tuple(self._issues)
        if len(self._hosts_refused) == len(self._issues):
            raise Refused(
                403, "HOST_NOT_ALLOWED", "The files are at a host that is not allowed", details, hosts=hosts
            )
        raise Refused(400, "VALIDATION_ERROR", "Invalid request payload", details, hosts=hosts)


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(400, "VALIDATION_ERROR", "The body is not valid base64") from None


def _too_large() -> Refused:
    return Refused(413, "PAYLOAD_TOO_LARGE", f"The body is larger than {MAX_BODY_BYTES} bytes")


def _text(value: object) -> str:
    """Return a short printable text as it is, and "" in place of anything else."""
    return value if isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable() else ""
