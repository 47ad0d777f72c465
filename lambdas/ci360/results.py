"""The results function: tells CI360, by external events, what became of the files it delivered."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import urllib3
from activation.authentication.store import SecretStore
from activation.aws.sqs_edge import sqs_handler
from activation.aws.table import ConditionalTable
from botocore.config import Config

from lambdas.ci360.aws import client
from lambdas.ci360.gateway import Tenant, send_event
from lambdas.ci360.occurrences import Occurrence, Occurrences
from lambdas.ci360.redaction import logger
from lambdas.ci360.settings import ResultsSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs.client import SQSClient

# From the bus's detail types to the outcomes the settings name an external event for.
OUTCOMES = {
    "Landing Completed": "landed",
    "Landing Failed": "failed",
    "Activation Completed": "completed",
    "Activation Failed": "failed",
}
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=3, read_timeout=10)


@dataclass(frozen=True)
class Results:
    """Sends the events. Made once per cold start."""

    settings: ResultsSettings
    occurrences: Occurrences
    secret: SecretStore
    http: urllib3.PoolManager
    sqs: SQSClient
    log: logging.Logger

    @property
    def queue_url(self) -> str:
        """Return the URL of the queue that the messages come from."""
        return self.settings.queue_url

    def handle(self, body: str, context: LambdaContext) -> None:  # noqa: ARG002  the signature of a queue's worker
        """Report one event of the bus; raises as `tell` does."""
        name = self.tell(body)
        self.log.info("event sent" if name else "nothing to report", extra={"event": name or None})

    def tell(self, body: str) -> str:
        """Report one event of the bus; returns the external event's name, "" when there is nothing to report.

        Raises Retryable, ConfigError and Rejected.
        """
        event = json.loads(body)
        outcome = OUTCOMES.get(event["detail-type"], "")
        name = self.settings.events.get(outcome, "")
        detail = event["detail"]
        # A drop's run knows the object's key alone, which is that of the file's record.
        occurrence = self.occurrences.read(detail.get("record") or detail["key"]) if name else None
        if occurrence is None:  # not asked for, or a drop that did not come from CI360
            return ""
        tenant = Tenant.from_secret(self.secret.read().text, any_endpoint=self.settings.any_endpoint)
        send_event(self.http, self.settings.gateway, tenant, self._compose(name, event, occurrence))
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
            "file": occurrence.object_key,
            "runId": detail.get("run_id"),
            "rows": counts.get("in"),
            "rowsAcknowledged": counts.get("acknowledged"),
            "rowsRejected": _sum(counts.get("rejected_by_us"), counts.get("rejected_by_platform")),
            "reason": reason.get("code") if isinstance(reason, dict) else None,
        }
        return {key: str(text) for key, text in attributes.items() if text not in (None, "")}


def _sum(*counts: object) -> int | None:
    known = [count for count in counts if isinstance(count, int)]
    return sum(known) if known else None


_log = logger(os.environ.get("LOG_LEVEL", ""))


def _results() -> Results:
    settings = ResultsSettings.from_environment(os.environ)
    return Results(
        settings,
        # It only reads: nothing is kept longer for it.
        Occurrences(ConditionalTable(client("dynamodb", config=_CONFIG), settings.table), keep_days=1),
        SecretStore(client("secretsmanager", config=_CONFIG), settings.secret_arn),
        urllib3.PoolManager(retries=False),
        client("sqs", config=_CONFIG),
        _log,
    )


lambda_handler = sqs_handler(_results, _log)
