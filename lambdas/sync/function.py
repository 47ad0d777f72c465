"""The function that keeps declared audiences in step with their sources: a tick, a slot, the end of a run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from activation.aws.clients import Clients
from activation.aws.environment import Environment
from activation.aws.lease import LeaseHeld, LeaseLost
from activation.aws.sqs_edge import sqs_handler
from activation.ledger.runs import Ledger, RunState
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.sync.catalogue import Catalogue
from lambdas.sync.configurations import ConfigurationTables
from lambdas.sync.connector_accounts import ConnectorAccounts
from lambdas.sync.declaration import Declaration, SourceKind
from lambdas.sync.ended import RunEnds
from lambdas.sync.extraction import LEASE_S, Extractor
from lambdas.sync.messages import SlotWork, read
from lambdas.sync.slots import SYNC, Slots
from lambdas.sync.source import Source
from lambdas.sync.sources import Sources, SourceSettings
from lambdas.sync.status import Statuses
from lambdas.sync.tick import tick
from lambdas.sync.upcoming import Upcoming

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

HEARTBEAT_S = 60.0
T = TypeVar("T")
_log, _metrics = Logger(), Metrics()


@dataclass(frozen=True)
class Sync:
    """What the function holds; as the worker of its queue it handles slots and ends of runs.

    `clock` returns Unix seconds.
    """

    clients: Clients
    catalogue: Catalogue
    slots: Slots
    extractor: Extractor
    ends: RunEnds
    upcoming: Upcoming
    queue_url: str
    clock: Callable[[], float] = time.time

    @property
    def sqs(self) -> SQSClient:
        """Return the client of the queue."""
        return self.clients.sqs

    def handle(self, body: str, context: LambdaContext) -> None:
        """Handle one message of the queue."""
        work = read(body)
        if isinstance(work, SlotWork):
            _log_slot(work, self.extractor.handle(work, _time_left_s(context)))
        else:
            deleted = self.ends.handle(work)
            _log.info("run ended", extra={"run_id": work.run_id, "state": work.state, "deleted": deleted})

    def tick(self, context: LambdaContext) -> None:
        """Queue what is due, and extract the first of it.

        A table that cannot be read is said in the log and counted: an alarm watches that. All this comes before
        the extraction, which may take as long as the invocation, and be killed with it.
        """
        began_at = self.clock()
        found = self.catalogue.all()
        ticked = tick(found, self.slots, self.clients.sqs, self.queue_url, clock=self._now)
        for table, error in ticked.problems.items():
            _log.error("a table of declarations cannot be read", extra={"table": table, "code": error.code})
        _log.info("tick", extra={"due": [f"{one.declaration} {one.slot}" for one in ticked.due]})
        _metrics.add_metric("SlotsDue", MetricUnit.Count, len(ticked.due))
        _metrics.add_metric("TablesUnreadable", MetricUnit.Count, len(ticked.problems))
        _metrics.flush_metrics()
        if found.has_tables:
            self.upcoming.note(ticked.coming, began_at, found.unread)
        if ticked.taken is not None:
            self._take(ticked.taken, ticked.due[0], context)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def _take(self, declaration: Declaration, work: SlotWork, context: LambdaContext) -> None:
        try:
            _log_slot(work, self.extractor.advance(declaration, work, _time_left_s(context)))
        except (LeaseHeld, LeaseLost):
            _log.info("another worker has the slot", extra={"declaration": declaration.name})


def _log_slot(work: SlotWork, state: RunState | None) -> None:
    _log.info("slot", extra={"declaration": work.declaration, "slot": work.slot, "state": state})


def _time_left_s(context: LambdaContext) -> Callable[[], float]:
    return lambda: context.get_remaining_time_in_millis() / 1000


@cache
def _sync() -> Sync:
    variables = Environment(os.environ)
    queue_url, dead = variables.text("QUEUE_URL"), variables.text("DEAD_LETTER_QUEUE_URL")
    drops, receipts = variables.text("DROPS_BUCKET"), variables.text("RECEIPTS_BUCKET")
    mirrors, table = variables.text("MIRRORS_BUCKET"), variables.text("LEDGER_TABLE")
    ttl_days = variables.whole("LEDGER_TTL_DAYS")
    sources = Sources.of(_told(variables, "SOURCES", SourceSettings))
    connectors = _told(variables, "CONNECTORS", ConnectorAccounts)
    variables.finish()
    clients = Clients.connect(table)
    stored = Catalogue(clients.s3, mirrors).stored
    statuses = Statuses(ConfigurationTables(sources.postgres, connectors), stored)
    tables = ConfigurationTables(sources.postgres, connectors, statuses.wrong)
    catalogue = Catalogue(clients.s3, mirrors, tables)
    slots = Slots(clients.table, ttl_days=ttl_days)
    ledger = Ledger(clients.table, SYNC, lease_s=LEASE_S, ttl_days=ttl_days)
    extractor = Extractor(
        clients.s3,
        clients.sqs,
        queue_url,
        dead,
        drops,
        ledger,
        slots,
        catalogue.find,
        _source_of(catalogue, sources),
        statuses.noted,
    )
    ends = RunEnds(clients.s3, drops, receipts, statuses.ended)
    upcoming = Upcoming(clients.table, ttl_days=ttl_days)
    return Sync(clients, catalogue, slots, extractor, ends, upcoming, queue_url)


def _source_of(catalogue: Catalogue, sources: Sources) -> Callable[[Declaration], tuple[Source, SourceKind]]:
    def source_of(declaration: Declaration) -> tuple[Source, SourceKind]:
        declared = catalogue.source(declaration.source)
        return sources.source(declared), declared.kind

    return source_of


def _told(variables: Environment, name: str, kind: type[T]) -> tuple[T, ...]:
    """Return the values of a variable that is a list of objects."""
    try:
        return tuple(msgspec.convert(variables.parsed(name, []), list[kind]))  # type: ignore[valid-type]  # the kind is a value here, not a type
    except msgspec.ValidationError:
        variables.wrong(name)
        return ()


_take = sqs_handler(_sync, _log, heartbeat_s=HEARTBEAT_S)


@_log.inject_lambda_context(clear_state=True)
def handle(event: dict[str, Any], context: LambdaContext) -> Any:
    """Handle a batch of the queue, or a call of the schedule; what a tick raises, Lambda tries again."""
    if "Records" in event:
        return _take(event, context)
    return _sync().tick(context)
