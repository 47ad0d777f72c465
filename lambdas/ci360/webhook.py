"""The webhook function: checks a bulk task's call, writes it down, queues it and answers at once."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from activation.aws.errors import classify
from activation.aws.table import ConditionalTable
from activation.errors import ConfigError, Retryable, where
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.ci360.answers import Accepted, Refused, accepted, refused
from lambdas.ci360.aws import client
from lambdas.ci360.bulk_task import BulkTask, read_body, read_task
from lambdas.ci360.messages import message
from lambdas.ci360.occurrences import Occurrence, Occurrences, State, Taken
from lambdas.ci360.redaction import logger
from lambdas.ci360.settings import WebhookSettings
from lambdas.ci360.target import Target

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

BUSY_S = 30  # the answer to a storage that is busy: CI360 may come again after this
# The caller waits a minute at most, API Gateway 29 seconds; a hiccup is worth one more try and no more.
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 2}, connect_timeout=2, read_timeout=4)


class Webhook:
    """Takes bulk tasks on. Made once per cold start."""

    def __init__(self, settings: WebhookSettings, occurrences: Occurrences, sqs: SQSClient) -> None:
        self._settings = settings
        self._occurrences = occurrences
        self._sqs = sqs

    def take_on(self, event: Mapping[str, Any], request_id: str) -> tuple[Accepted, str]:
        """Accept a task; returns the answer and whether the call is new, repeated, or restarts a failed one.

        Raises Refused, and Retryable and ConfigError when the table or the queue cannot be used.
        """
        task = read_task(read_body(event), self._settings.targets, self._settings.hosts)
        taken = [self._take_on(_occurrence(task, target, request_id)) for target in task.targets]
        record = taken[0][0]
        in_sas_files = any(target.sas_key for target in task.targets)
        return Accepted(
            record.request_id,
            record.occurrence_id,
            record.file_name,
            self._settings.sas_bucket if in_sas_files else self._settings.bucket,
            record.object_key,
            as_sas=bool(self._settings.sas_bucket),
        ), ", ".join(dict.fromkeys(call for _, call in taken))

    def _take_on(self, wanted: Occurrence) -> tuple[Occurrence, str]:
        """Write one file down and queue it; returns its record and what the call is for it."""
        call = "new"
        try:
            record = self._occurrences.accept(wanted)
        except Taken as taken:
            record, call = self._again(wanted, taken.record)
        if record.state is State.ACCEPTED:
            # Also when it is not new: the first call may have died before it came to this. One message too many
            # does nothing.
            self._send(record.key)
        return record, call

    def _again(self, wanted: Occurrence, known: Occurrence) -> tuple[Occurrence, str]:
        """Answer a repetition with the record there is; begin anew what had failed, when the links are new."""
        if known.file_name != wanted.file_name:
            issue = ("sendParameters.s3_filename", "makes the same key as another file of this occurrence")
            raise Refused(409, "CONFLICT", "Another file of this occurrence has that name", (issue,))
        try:
            return self._occurrences.accept_again(wanted), "anew"
        except Taken as taken:
            return taken.record, "repeated"

    def _send(self, key: str) -> None:
        try:
            self._sqs.send_message(QueueUrl=self._settings.queue_url, MessageBody=message(key))
        except (ClientError, BotoCoreError) as error:
            raise classify(error, code="queue") from None


def _occurrence(task: BulkTask, target: Target, request_id: str) -> Occurrence:
    return Occurrence(
        key=target.key,
        sas_key=target.sas_key,
        occurrence_id=task.occurrence_id,
        connector=target.connector,
        file_name=task.file_name,
        data_link=task.data.url,
        metadata_link=task.metadata.url,
        link_digest=task.data.digest,
        tracking_code=task.tracking_code,
        task_code=task.task_code,
        request_id=request_id,
    )


_log = logger(os.environ.get("LOG_LEVEL", ""))
_made: list[Webhook] = []


def _webhook() -> Webhook:
    if not _made:
        settings = WebhookSettings.from_environment(os.environ)
        table = ConditionalTable(client("dynamodb", config=_CONFIG), settings.table)
        occurrences = Occurrences(table, keep_days=settings.keep_days)
        _made.append(Webhook(settings, occurrences, client("sqs", config=_CONFIG)))
    return _made[0]


if os.environ.get("OCCURRENCE_TABLE"):
    # In Lambda: clients are made while the function starts, when it has a whole processor. Settings that cannot be
    # read are answered, and logged, call by call.
    with contextlib.suppress(ConfigError):
        _webhook()


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer a call of API Gateway's; every error has an answer of its own."""
    request_id = _request_id(event, context)
    try:
        answer, call = _webhook().take_on(event, request_id)
    except Refused as error:
        issues = [field for field, _ in error.details]
        # The hosts, so that the administrator can read off the log which one to allow.
        facts = {
            "request_id": request_id,
            "status": error.status,
            "code": error.code,
            "hosts": error.hosts or None,
        }
        _log.warning("refused", extra={**facts, "fields": issues})
        return refused(error, request_id)
    except (Retryable, ConfigError) as error:
        _log.error("not taken on", extra={"request_id": request_id, "code": error.code, "reason": error.sentence})
        busy = Refused(503, "SERVICE_UNAVAILABLE", "Please call again later", retry_after_s=BUSY_S)
        return refused(busy, request_id)
    except Exception as error:  # noqa: BLE001  the HTTP edge: the caller is told nothing, the log what it was
        facts = {"request_id": request_id, "error": type(error).__name__, "at": where(error)}
        _log.error("unexpected error", extra=facts)
        return refused(Refused(500, "INTERNAL_ERROR", "An unexpected error occurred"), request_id)
    _log.info("taken on", extra={"request_id": request_id, "object_key": answer.key, "call": call})
    return accepted(answer, request_id)


def _request_id(event: Mapping[str, Any], context: Any) -> str:
    """Return API Gateway's id of the request, the same that its access log has."""
    given = event.get("requestContext")
    found = given.get("requestId") if isinstance(given, dict) else None
    return (
        found if isinstance(found, str) and found else str(getattr(context, "aws_request_id", "") or uuid.uuid4())
    )
