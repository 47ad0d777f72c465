"""One message of the queue: an object's event, a time of a schedule, a change of a run, or the function's own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from activation.aws.app_events import put_event
from activation.aws.dead_letters import send_to_dead_letters
from activation.aws.errors import code_of
from activation.drops.locate import refuse_folders
from activation.drops.messages import read
from activation.errors import ActivationError, Rejected, Retryable
from activation.ledger.paid_starts import PaidStarts, StartState, refusal
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import ClientError

from lambdas.normalize_start.closing import Closings, Wait
from lambdas.normalize_start.ending import Ending, ending_of
from lambdas.normalize_start.job import BUSY, GlueJob, JobStarter
from lambdas.normalize_start.occasion import (
    CHECK,
    START,
    TOKEN,
    Occasion,
    check_message,
    occasion_of,
    read_start,
)

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_sqs.client import SQSClient

SCHEDULED = "Export Scheduled"
CHANGED = "Glue Job State Change"
FAILED = "Export Failed"  # on the app's bus
MOST_DELAY_S = 900  # SQS's own limit for a message
# Glue's events are delivered at best effort (https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-glue.html,
# read 2026-11-30), so a run is looked at as well.
CHECK_S = 600
MOST_WAITS = 24 * 60  # for room; each is a minute


@dataclass(frozen=True)
class StartWorker:
    """Handles the messages of the queue; made once per cold start.

    `output` is the s3:// URL of the drops bucket, `retries` how often a run that failed is repeated by itself.
    """

    closings: Closings
    starts: PaidStarts
    job: GlueJob
    sqs: SQSClient
    events: EventBridgeClient
    queue_url: str
    dead_letter_queue_url: str
    bus: str
    output: str
    retries: int
    account: str
    log: Logger
    metrics: Metrics
    clock: Callable[[], float] = time.time

    def handle(self, body: str, _context: LambdaContext) -> None:
        """Handle one message; what can never succeed goes to the dead letters at once, with its reason."""
        try:
            self._route(body)
        except Rejected as error:
            self.log.error("refused", extra={"code": error.code})
            self.metrics.add_metric("ExportsRefused", MetricUnit.Count, 1)
            send_to_dead_letters(self.sqs, self.dead_letter_queue_url, body, error)

    def _route(self, body: str) -> None:
        message = _object(body)
        match message.get("detail-type"):
            case str(kind) if kind == START:
                wish = read_start(body)
                self._start(wish.occasion, wish.after, wish.waits)
            case str(kind) if kind == SCHEDULED:
                self._scheduled(message)
            case str(kind) if kind == CHANGED:
                detail = message.get("detail")
                if isinstance(detail, dict) and detail.get("jobName") == self.job.name:
                    self._settle(str(detail.get("jobRunId", "")), looked_at=False)
            case str(kind) if kind == CHECK:
                self._settle(str(message.get("run_id", "")), looked_at=True)
            case _:
                self._object_event(body)

    def _object_event(self, body: str) -> None:
        exports = self.closings.exports
        work = read(body, origins=exports, account=self.account)
        refuse_folders(exports.of(work.drop.bucket, work.drop.key).layout_key(work.drop.key), in_source=True)
        match self.closings.by_event(work):
            case Occasion() as occasion:
                self._start(occasion)
            case Wait() as wait:
                self._send(wait.body, wait.for_s)

    def _scheduled(self, message: dict[str, Any]) -> None:
        """Start what is there at a time of a schedule, which names the slot."""
        export = self.closings.exports.named(str(message.get("export", "")))
        at = str(message.get("time", ""))
        slot = "at-" + "".join(letter for letter in at if letter.isalnum())
        if slot == "at-":
            raise Rejected("not_understood", "the message of a schedule does not say its time")
        if occasion := self.closings.by_schedule(export, slot):
            self._start(occasion)
        else:
            self.log.info("nothing new", extra={"export": export.name, "slot": slot})

    def _start(self, occasion: Occasion, after: int = 0, waits: int = 0) -> None:
        export = self.closings.exports.named(occasion.export)
        starter = JobStarter(
            self.job, occasion, export.mapping, self.output, self.closings.record_of(export, occasion.slot)
        )
        try:
            start = self.starts.begin(occasion.key, starter, after=after)
        except ClientError as error:
            refused = refusal(error, busy=BUSY)
            if not isinstance(refused, Retryable):
                raise refused from error
            if waits >= MOST_WAITS:
                self._give_up(occasion, after, refused)
                return
            # A wait is no failure, and must not use up the message's receives.
            self._send(occasion.message(after, waits + 1), refused.after_s)
            self.log.info("waits", extra={"export": export.name, "slot": occasion.slot, "code": code_of(error)})
            return
        told = {"export": export.name, "slot": occasion.slot, "run": start.id, "attempt": start.attempt}
        for run_id in starter.runs:
            self.log.info("started", extra=told)
            self.metrics.add_metric("ExportsStarted", MetricUnit.Count, 1)
            self._send(check_message(run_id), CHECK_S)
        if not starter.runs:
            self.log.info("was started before", extra={**told, "state": start.state})
            if start.state is StartState.STARTED:
                # Whoever started it may have died before this message; without it a lost event is never noticed.
                self._send(check_message(start.id), CHECK_S)

    def _give_up(self, occasion: Occasion, after: int, refused: Retryable) -> None:
        """Report an export that has waited too long for a free run; no alarm counts such waits."""
        error = Rejected(
            refused.code,
            f"export {occasion.export} has waited for a day, since as many runs as may run did: see the job's"
            " max_concurrent_runs and Glue's quotas, then redrive",
        )
        self.log.error("refused", extra={"export": occasion.export, "slot": occasion.slot, "code": error.code})
        self.metrics.add_metric("ExportsRefused", MetricUnit.Count, 1)
        send_to_dead_letters(self.sqs, self.dead_letter_queue_url, occasion.message(after), error)

    def _settle(self, run_id: str, *, looked_at: bool) -> None:
        """Record how a run has ended; one that has not is looked at again, if this was a look and no event."""
        run = self.job.run(run_id)
        arguments = run.get("Arguments", {})
        occasion = occasion_of(arguments)
        if occasion is None:  # somebody has started the job by hand
            return
        start = self.starts.read(occasion.key)
        if arguments[TOKEN] != start.token:  # of an attempt before
            return
        ending = ending_of(run["JobRunState"], run.get("ErrorMessage", ""))
        if ending is None:
            if looked_at:
                self._send(check_message(run_id), CHECK_S)
            return
        if start.state is StartState.STARTING:
            raise Retryable("start_unsettled", "the run has ended before its start was recorded", after_s=30)
        if not ending.code:
            if self.starts.finish(occasion.key, run_id, ending.state):
                self.log.info("done", extra={"export": occasion.export, "slot": occasion.slot, "run": run_id})
                self.metrics.add_metric("ExportsDone", MetricUnit.Count, 1)
        elif not ending.is_final and start.attempt <= self.retries:
            self.starts.finish(occasion.key, run_id, ending.state, ending.code)
            self._start(occasion, start.attempt)
        elif start.state is StartState.STARTED:
            self._fail(occasion, run_id, start.attempt, ending)

    def _fail(self, occasion: Occasion, run_id: str, attempt: int, ending: Ending) -> None:
        """Report a run that has failed for good; redriving its dead letter starts the job again."""
        error = _of_run(occasion, run_id, ending)
        self.log.error("failed", extra={"export": occasion.export, "run": run_id, "code": error.code})
        self.metrics.add_metric("ExportsFailed", MetricUnit.Count, 1)
        send_to_dead_letters(self.sqs, self.dead_letter_queue_url, occasion.message(attempt), error, run_id=run_id)
        detail = {
            "export": occasion.export,
            "slot": occasion.slot,
            "job_run_id": run_id,
            "attempt": attempt,
            "reason": {"code": error.code, "sentence": error.sentence},
        }
        put_event(self.events, self.bus, FAILED, detail)
        # Last: a message that returns before this tells once more, and nobody is left untold.
        self.starts.finish(occasion.key, run_id, ending.state, ending.code)

    def _send(self, body: str, for_s: float) -> None:
        delay_s = min(MOST_DELAY_S, max(0, round(for_s)))
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=body, DelaySeconds=delay_s)


def _of_run(occasion: Occasion, run_id: str, ending: Ending) -> ActivationError:
    what = {"job_timeout": "was ended by its timeout", "job_stopped": "was stopped"}.get(ending.code, "failed")
    return Rejected(
        ending.code,
        f"the job's run {run_id} for export {occasion.export} {what}; its log group says why. A redrive starts it"
        " again for the same files",
    )


def _object(body: str) -> dict[str, Any]:
    """Return the JSON object of a message, an empty one for any other text: reading its event then refuses it."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}
