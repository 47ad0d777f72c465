"""A connector's function: one message to one run, and the SQS edge that never acknowledges a failure."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from activation.aws.clients import CONFIG, Clients
from activation.drops.locate import Located, is_marker, locate
from activation.drops.messages import Work, read
from activation.errors import ActivationError, Rejected, Retryable
from activation.ledger.audience_lock import Turns
from activation.ledger.progress import Progress
from activation.ledger.runs import FINAL, STOPPED, HeldRun, LeaseHeld, LeaseLost, Ledger, Run, State
from activation.model import Audience
from activation.platforms.http import Http, PooledHttp
from activation.platforms.options import complete
from activation.platforms.platform import Platform
from activation.report import app_events, receipts
from activation.report.receipts import Identity
from activation.runs.part import ActivePart
from activation.runs.run import ActiveRun
from activation.runs.secret import ConnectorSecret
from activation.runs.settings import ConnectorSettings, check_options

COME_BACK_S = 60  # after a failure nobody foresaw; sooner than the queue's visibility timeout
MAX_VISIBILITY_S = 12 * 3600
GRACE_S = 3600.0  # how long a run's next message may be overdue before another message may take its place
UNREADABLE = "_unreadable"  # where receipts go whose key names no audience


class Connector:
    """Handles the messages of one connector's queue. Made once per cold start."""

    def __init__(
        self,
        platform: Platform,
        settings: ConnectorSettings,
        clients: Clients,
        secret: ConnectorSecret,
        http: Http,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._platform = platform
        self._settings = settings
        self._clients = clients
        self._secret = secret
        self._http = http
        self._clock = clock
        self._sleep = sleep
        self._ledger = Ledger(
            clients.table,
            settings.connector,
            lease_s=3 * platform.limits.timeout_s + 30,
            ttl_days=settings.ledger_ttl_days,
            clock=clock,
        )
        self._turns = Turns(clients.table, ttl_days=settings.ledger_ttl_days, clock=clock)
        self._log = Logger(child=True)
        self._metrics = Metrics()

    def handle(self, body: str, *, aws_account: str, time_left_s: Callable[[], float]) -> State | None:
        """Bring the run of one message forward; gives its state, None when there was nothing to do.

        Raises LeaseHeld and LeaseLost, after which the message must come back.
        """
        try:
            work = read(body, bucket=self._settings.drops_bucket, account=aws_account)
        except Rejected as error:
            self._clients.bury(self._settings.dead_letter_queue_url, body, error)
            self._log.error("message refused", extra={"code": error.code})
            self._metrics.add_metric("MessagesRefused", MetricUnit.Count, 1)
            return State.FAILED
        run_id = work.run_id(self._settings.connector)
        self._log.append_keys(run_id=run_id, hop=work.hop, replay=work.replay or None, part=work.part)
        if is_marker(work.drop.key):
            self._log.info("a tool's own marker, not a drop")
            return None
        known = self._ledger.read(run_id, work.part)
        if known is not None and self._is_settled(work, known):
            self._log.info("nothing to do", extra={"state": known.state})
            return None
        try:
            located = locate(
                work.drop.key,
                connector=self._settings.connector,
                table=self._platform.table,
                actions=self._platform.limits.actions,
            )
        except Rejected as error:
            return self._refuse_key(work, run_id, error)
        audience = replace(located.audience, account=work.ad_account)
        return self._run(work, run_id, replace(located, audience=audience), known, time_left_s)

    def _run(
        self, work: Work, run_id: str, located: Located, known: Run | None, time_left_s: Callable[[], float]
    ) -> State | None:
        crashed = known is not None and 0 < known.lease_until < self._clock()
        facts = {"audience": located.audience.name, "action": located.audience.action, "object_key": work.drop.key}
        held = HeldRun(self._ledger.claim(run_id, work.hop, facts, work.part), self._ledger)
        if held.run.state in FINAL and work.part is None:  # it ended between our look and our claim
            held.save(release=True)
            return None
        self._secret.begin(afresh=held.run.state in STOPPED)
        kind = ActiveRun if work.part is None else ActivePart
        active = kind(
            identity=Identity(run_id, work, located.audience, located.kind.declared, self._platform.name),
            located=located,
            held=held,
            settings=self._settings,
            clients=self._clients,
            platform=self._platform,
            secret=self._secret,
            http=self._http,
            turns=self._turns,
            time_left_s=time_left_s,
            crashed=crashed,
            clock=self._clock,
            sleep=self._sleep,
        )
        tally = held.run.progress.tally
        settled, acknowledged, resent = tally.rows_settled, tally.acknowledged, tally.resent
        state = active.advance()
        tally = held.run.progress.tally
        if work.part is None:  # what parts bring forward is counted when their run looks at them
            for name, value in (
                (
                    "RowsSettled",
                    max(0, tally.rows_settled - settled),
                ),  # less when it goes back to its start
                ("RowsAcknowledged", max(0, tally.acknowledged - acknowledged)),
                ("BatchesResent", tally.resent - resent),
                (f"Runs{state.title()}", 1),
            ):
                self._metrics.add_metric(name, MetricUnit.Count, value)
        self._log.info(
            "run" if work.part is None else "part",
            extra={
                "state": state,
                "code": held.run.code or None,
                "rows_acknowledged": tally.acknowledged,
                "rows_rejected_by_us": tally.rejected_by_us.total(),
                "rows_rejected_by_platform": tally.rejected_by_platform.total(),
                "requests": tally.requests,
                "resent": tally.resent,
            },
        )
        return state

    def postpone(self, receipt_handle: str, after_s: float) -> None:
        """Let a message that failed come back after `after_s` seconds, not the queue's visibility timeout."""
        self._clients.sqs.change_message_visibility(
            QueueUrl=self._settings.queue_url,
            ReceiptHandle=receipt_handle,
            VisibilityTimeout=min(MAX_VISIBILITY_S, math.ceil(after_s)),
        )

    def _is_settled(self, work: Work, known: Run) -> bool:
        """Whether the message has nothing to bring: the run has ended, or a newer message carries it on.

        That of a run that stopped is in the dead letters; a replay is somebody's wish to go on without it.
        """
        now = self._clock()
        if known.state in FINAL:
            return work.part is None or work.hop <= known.hop  # a part may be wanted once more
        if known.lease_until > now:  # whose message is not deleted yet, and comes back should its worker die
            return work.hop < known.hop
        carried_on = known.lease_until == 0 and not (known.state in STOPPED and work.replay)
        due = max(known.not_before, known.updated_at) + GRACE_S
        return carried_on and work.hop <= known.hop and now < due

    def _refuse_key(self, work: Work, run_id: str, error: Rejected) -> State:
        """Give a drop whose key cannot be read its receipt, and put its message in the dead letters."""
        now = self._clock()
        audience = Audience(self._settings.connector, UNREADABLE)
        run = Run("", 0, State.FAILED, work.hop, now, now, 0.0, 0.0, 0, Progress())
        run.code, run.sentence = error.code, error.sentence
        receipt = receipts.compose(
            Identity(run_id, work, audience, "", self._platform.name),
            run,
            account=self._settings.expected_account,
            now=now,
            rejects_key=None,
            notes={},
        )
        key = f"{receipts.stem(audience, run_id)}.json"
        receipts.write(self._clients.s3, self._settings.receipts_bucket, key, receipt)
        app_events.announce(self._clients.events, self._settings.event_bus_name, State.FAILED, receipt, key)
        self._clients.bury(self._settings.dead_letter_queue_url, work, error, run_id)
        self._log.error("key refused", extra={"code": error.code})
        self._metrics.add_metric("RunsFailed", MetricUnit.Count, 1)
        return State.FAILED


def lambda_handler_for(platform: Platform) -> Callable[[dict[str, Any], LambdaContext], Any]:
    """Make a platform's Lambda entry point; settings and clients are made at its first message."""
    platform.load()  # with the function's start, and not within its first message
    logger = Logger()
    metrics = Metrics()
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    made: list[Connector] = []

    def connector() -> Connector:
        if not made:
            settings = ConnectorSettings.from_environment(os.environ)
            check_options(platform.options, settings.options)
            metrics.set_default_dimensions(connector=settings.connector)
            clients = Clients.connect(settings.ledger_table)
            http = PooledHttp(connections=settings.requests_in_flight or platform.limits.in_flight)
            secrets = boto3.client("secretsmanager", config=CONFIG)
            secret = ConnectorSecret(
                platform,
                secrets,
                settings.secret_arn,
                table=clients.table,
                http=http,
                options=complete(platform.options, settings.options),
                expected_account=settings.expected_account,
            )
            made.append(Connector(platform, settings, clients, secret, http))
        return made[0]

    def on_message(record: SQSRecord, lambda_context: LambdaContext) -> None:
        def time_left_s() -> float:
            return lambda_context.get_remaining_time_in_millis() / 1000

        try:
            connector().handle(
                record.body,
                aws_account=lambda_context.invoked_function_arn.split(":")[4],
                time_left_s=time_left_s,
            )
        except Exception as error:  # the SQS edge: whatever it was, the message must come back
            come_back_s = _report(logger, error, time_left_s())
            if isinstance(error, ActivationError):
                # The few receives that a message has are to outlast an outage of more than some seconds.
                come_back_s *= 2 ** (int(record.attributes.approximate_receive_count) - 1)
            if made:
                made[0].postpone(record.receipt_handle, come_back_s)
            raise

    @logger.inject_lambda_context(clear_state=True)
    @metrics.log_metrics
    def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
        """Handle a batch of the connector's queue; answers with the messages that must come back."""
        return process_partial_response(
            event=event, record_handler=on_message, processor=processor, context=context
        )

    return lambda_handler


def _report(logger: Logger, error: Exception, time_left_s: float) -> float:
    """Log why a message comes back, and give the seconds until it should.

    The text of an error nobody foresaw may hold a cell of the file: its type and place must do.
    """
    match error:
        case LeaseHeld():
            logger.info("another worker has the run", extra={"for_s": round(error.for_s)})
            return error.for_s + time_left_s
        case LeaseLost():
            logger.warning("another worker took the run over")
        case ActivationError():
            logger.error("the run could not be brought forward", extra={"code": error.code, "why": error.sentence})
            return error.after_s if isinstance(error, Retryable) else COME_BACK_S
        case _:
            logger.error("unforeseen", extra={"error": type(error).__name__, "at": _where(error)})
    return COME_BACK_S


def _where(error: BaseException) -> str:
    """Give the module and line that raised."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
