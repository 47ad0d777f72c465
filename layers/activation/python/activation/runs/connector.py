"""A connector's function: one message to one run, and the SQS edge that never acknowledges a failure."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from activation.aws.clients import CONFIG, Clients
from activation.aws.dead_letters import send_to_dead_letters
from activation.aws.sqs_edge import sqs_handler
from activation.drops.locate import Located, is_marker, locate
from activation.drops.messages import Work, read
from activation.errors import Rejected
from activation.ledger.audience_lock import AudienceLocks
from activation.ledger.progress import Progress
from activation.ledger.runs import FINAL, STOPPED, HeldRun, Ledger, Run, RunState
from activation.model import Audience
from activation.pipeline.rate_limit import RateLimits
from activation.platforms.http import Http, PooledHttp
from activation.platforms.options import complete
from activation.platforms.platform import Platform
from activation.report import receipts
from activation.report.announce import announce
from activation.report.receipts import Identity
from activation.runs.part import ActivePart
from activation.runs.run import ActiveRun
from activation.runs.secret import ConnectorSecret
from activation.runs.settings import FunctionSettings, check_options

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

GRACE_S = 3600.0  # how long a run's next message may be overdue before another message may replace it
UNREADABLE = "_unreadable"  # where receipts go whose key names no audience


class Dispatcher:
    """Dispatches the messages of one connector's queue to their runs. Made once per cold start."""

    def __init__(
        self,
        platform: Platform,
        settings: FunctionSettings,
        clients: Clients,
        secret: ConnectorSecret,
        http: Http,
        *,
        log: Logger | None = None,
        metrics: Metrics | None = None,
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
        self._locks = AudienceLocks(clients.table, ttl_days=settings.ledger_ttl_days, clock=clock)
        self._rate_limits = RateLimits(clients.table, clock=clock)
        self._log, self._metrics = log or Logger(), metrics or Metrics()

    def handle(self, body: str, *, aws_account: str, time_left_s: Callable[[], float]) -> RunState | None:
        """Advance the run of one message; return its state, None when there was nothing to do.

        Raises LeaseHeld and LeaseLost, after which the message must return.
        """
        try:
            work = read(body, bucket=self._settings.drops_bucket, account=aws_account)
        except Rejected as error:
            self._send_to_dead_letters(body, error)
            self._log.error("message refused", extra={"code": error.code})
            self._metrics.add_metric("MessagesRefused", MetricUnit.Count, 1)
            return RunState.FAILED
        work = replace(work, ad_account=self._platform.account.canonical(work.ad_account))
        run_id = work.run_id(self._settings.connector)
        self._log.append_keys(
            run_id=run_id, continuation=work.continuation, replay=work.replay or None, part=work.part
        )
        if is_marker(work.drop.key):
            self._log.info("ignored marker object")
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
    ) -> RunState | None:
        crashed = known is not None and 0 < known.lease_until < self._clock()
        facts = {"audience": located.audience.name, "action": located.audience.action, "object_key": work.drop.key}
        held = HeldRun(self._ledger.claim(run_id, work.continuation, facts, work.part), self._ledger)
        if held.run.state in FINAL and work.part is None:  # it ended between our read and our claim
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
            locks=self._locks,
            rate_limits=self._rate_limits,
            time_left_s=time_left_s,
            crashed=crashed,
            clock=self._clock,
            sleep=self._sleep,
        )
        tally = held.run.progress.tally
        settled, acknowledged, resent = tally.rows_settled, tally.acknowledged, tally.resent
        state = active.advance()
        tally = held.run.progress.tally
        if work.part is None:  # the progress of parts is counted when their run polls them
            for name, value in (
                (
                    "RowsSettled",
                    max(0, tally.rows_settled - settled),
                ),  # less when the run starts over
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

    def _send_to_dead_letters(self, body: str, error: Rejected, run_id: str = "") -> None:
        queue_url = self._settings.dead_letter_queue_url
        send_to_dead_letters(self._clients.sqs, queue_url, body, error, run_id=run_id)

    def _is_settled(self, work: Work, known: Run) -> bool:
        """Return whether the message has nothing to do: the run has ended, or another message continues it.

        The message of a stopped run is in the dead letters; a replay asks for the run to continue without it.
        """
        now = self._clock()
        if known.state in FINAL:
            return work.part is None or work.continuation <= known.continuation  # a part may be needed again
        if known.lease_until > now:  # a worker holds it; its message returns if that worker dies
            return work.continuation < known.continuation
        carried_on = known.lease_until == 0 and not (known.state in STOPPED and work.replay)
        due = max(known.not_before, known.updated_at) + GRACE_S
        return carried_on and work.continuation <= known.continuation and now < due

    def _refuse_key(self, work: Work, run_id: str, error: Rejected) -> RunState:
        """Write the receipt of a drop whose key cannot be parsed, and send its message to the dead letters."""
        now = self._clock()
        audience = Audience(self._settings.connector, UNREADABLE)
        run = Run("", 0, RunState.FAILED, work.continuation, now, now, 0.0, 0.0, 0, Progress())
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
        announce(self._clients.events, self._settings.event_bus_name, RunState.FAILED, receipt, key)
        self._send_to_dead_letters(work.next_message(), error, run_id)
        self._log.error("key refused", extra={"code": error.code})
        self._metrics.add_metric("RunsFailed", MetricUnit.Count, 1)
        return RunState.FAILED


@dataclass(frozen=True)
class ConnectorFunction:
    """A connector as the worker of its queue: `dispatcher` handles the messages that `sqs` has at `queue_url`."""

    dispatcher: Dispatcher
    sqs: SQSClient
    queue_url: str

    def handle(self, body: str, context: LambdaContext) -> None:
        """Advance the run of one message."""
        self.dispatcher.handle(
            body,
            aws_account=context.invoked_function_arn.split(":")[4],
            time_left_s=lambda: context.get_remaining_time_in_millis() / 1000,
        )


def lambda_handler_for(platform: Platform) -> Callable[[dict[str, Any], LambdaContext], Any]:
    """Return a platform's Lambda entry point; settings are read and clients made at its first message."""
    platform.load()  # at the function's start, not during its first message
    logger = Logger()
    metrics = Metrics()

    def make() -> ConnectorFunction:
        settings = FunctionSettings.from_environment(os.environ)
        check_options(platform.options, settings.options)
        metrics.set_default_dimensions(connector=settings.connector)
        clients = Clients.connect(settings.ledger_table)
        http = PooledHttp(connections=settings.requests_in_flight or platform.limits.in_flight)
        secret = ConnectorSecret(
            platform,
            boto3.client("secretsmanager", config=CONFIG),
            settings.secret_arn,
            table=clients.table,
            http=http,
            options=complete(platform.options, settings.options),
            expected_account=settings.expected_account,
        )
        dispatcher = Dispatcher(platform, settings, clients, secret, http, log=logger, metrics=metrics)
        return ConnectorFunction(dispatcher, clients.sqs, settings.queue_url)

    handle = sqs_handler(make, logger)

    @logger.inject_lambda_context(clear_state=True)
    @metrics.log_metrics
    def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
        """Handle a batch from the connector's queue; return the messages that must be delivered again."""
        return handle(event, context)

    return lambda_handler
