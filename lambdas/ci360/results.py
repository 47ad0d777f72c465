"""The results function: tells CI360, by external events, what became of the files it delivered."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import urllib3
from activation.aws.table import ConditionalTable
from activation.errors import ActivationError, ConfigError, Retryable
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.ci360.aws import client
from lambdas.ci360.gateway import Tenant, send_event
from lambdas.ci360.occurrences import Occurrence, Occurrences
from lambdas.ci360.redaction import logger, where
from lambdas.ci360.settings import ResultsSettings

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

SECRET_MAX_AGE_S = 300.0
# From the bus's detail types to the outcomes the settings name an external event for.
OUTCOMES = {
    "Landing Completed": "landed",
    "Landing Failed": "failed",
    "Activation Completed": "completed",
    "Activation Failed": "failed",
}
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=3, read_timeout=10)


@dataclass
class Results:
    """Sends the events. Made once per cold start; the secret is read again when it is five minutes old."""

    settings: ResultsSettings
    occurrences: Occurrences
    secrets: SecretsManagerClient
    http: urllib3.PoolManager
    _tenant: Tenant | None = None
    _read_at: float = 0.0

    def tell(self, body: str) -> str:
        """Report one event of the bus; returns the external event's name, "" when there is nothing to report.

        Raises Retryable, ConfigError and Rejected.
        """
        event = json.loads(body)
        outcome = OUTCOMES.get(event["detail-type"], "")
        name = self.settings.events.get(outcome, "")
        occurrence = self.occurrences.read(event["detail"]["key"]) if name else None
        if occurrence is None:  # not asked for, or a drop that did not come from CI360
            return ""
        send_event(self.http, self.settings.gateway, self._secret(), self._compose(name, event, occurrence))
        return name

    def _compose(self, name: str, event: Mapping[str, Any], occurrence: Occurrence) -> dict[str, Any]:
        """Flat texts: that is what an external event's attributes are."""
        detail = event["detail"]
        rows = detail.get("rows")
        counts = rows if isinstance(rows, dict) else {"in": rows}
        reason = detail.get("reason") or {}
        identity, value = self.settings.identity
        attributes = {
            "eventName": name,
            identity: value,
            "responseTrackingCode": occurrence.tracking_code,
            "occurrenceId": occurrence.occurrence_id,
            "taskCode": occurrence.task_code,
            "outcome": event["detail-type"],
            "file": occurrence.key,
            "runId": detail.get("run_id"),
            "rows": counts.get("in"),
            "rowsAcknowledged": counts.get("acknowledged"),
            "rowsRejected": _sum(counts.get("rejected_by_us"), counts.get("rejected_by_platform")),
            "reason": reason.get("code") if isinstance(reason, dict) else None,
        }
        return {key: str(text) for key, text in attributes.items() if text not in (None, "")}

    def _secret(self) -> Tenant:
        if self._tenant is None or time.monotonic() - self._read_at > SECRET_MAX_AGE_S:
            try:
                text = self.secrets.get_secret_value(SecretId=self.settings.secret_arn)["SecretString"]
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code in {"ResourceNotFoundException", "AccessDeniedException", "DecryptionFailure"}:
                    raise ConfigError("no_secret", f"the CI360 secret cannot be read ({code})") from None
                raise Retryable("secret_service", f"the secret could not be read just now ({code})") from None
            except BotoCoreError as error:
                raise Retryable("secret_service", f"no secret just now: {type(error).__name__}") from None
            self._tenant, self._read_at = Tenant.from_secret(text), time.monotonic()
        return self._tenant


def _sum(*counts: object) -> int | None:
    known = [count for count in counts if isinstance(count, int)]
    return sum(known) if known else None


_log = logger(os.environ.get("LOG_LEVEL", ""))
_sqs: list[Any] = []
_made: list[Results] = []


def _results() -> Results:
    if not _made:
        settings = ResultsSettings.from_environment(os.environ)
        table = ConditionalTable(client("dynamodb", config=_CONFIG), settings.table)
        _made.append(
            Results(
                settings,
                Occurrences(table, keep_days=1),  # it only reads
                client("secretsmanager", config=_CONFIG),
                urllib3.PoolManager(retries=False),
            )
        )
    return _made[0]


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda's signature
    """Report each message; returns the messages that must come back."""
    failed = [{"itemIdentifier": record["messageId"]} for record in event["Records"] if not _told(record)]
    return {"batchItemFailures": failed}


def _told(record: Mapping[str, Any]) -> bool:
    try:
        name = _results().tell(record["body"])
    except ActivationError as error:
        _log.error("CI360 could not be told", extra={"code": error.code, "reason": error.sentence})
        _come_back(record, error.after_s if isinstance(error, Retryable) else 300)
        return False
    except Exception as error:  # noqa: BLE001  the SQS edge: whatever it was, the message must come back
        _log.error("unforeseen", extra={"error": type(error).__name__, "at": where(error)})
        return False
    _log.info("told" if name else "nothing to tell", extra={"event": name or None})
    return True


def _come_back(record: Mapping[str, Any], after_s: float) -> None:
    if not _sqs:
        _sqs.append(client("sqs", config=_CONFIG))
    _sqs[0].change_message_visibility(
        QueueUrl=os.environ["QUEUE_URL"],
        ReceiptHandle=record["receiptHandle"],
        VisibilityTimeout=math.ceil(after_s),
    )
