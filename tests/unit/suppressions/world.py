"""The function of suppression lists in the small world, and connectors' questions to the lists that it keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
from activation.aws.clients import Clients
from activation.aws.table import ConditionalTable
from activation.identifiers.digest import digests
from activation.identifiers.table import Context
from activation.ledger.suppression_lists import NAME, SuppressionLists, SuppressionRecord
from activation.runs.dispatch import Dispatcher
from activation.suppression.current import CurrentSuppressions
from activation.suppression.store import ListStore

from lambdas.suppressions.handler import ListRuns, connect
from lambdas.suppressions.lists import tables
from lambdas.suppressions.settings import ListSettings
from tests.unit.line.watched_aws import Aws
from tests.unit.line.world import World


class ListWorld(World):
    """The function with its queue and dead letters; `most_rows` is its guard, `countries` the connectors' own."""

    def __init__(self, *, most_rows: int = 1_000_000, countries: tuple[str, ...] = ("",)) -> None:
        self.most_rows, self.countries = most_rows, countries
        super().__init__(Aws.in_memory())

    def process(self) -> Dispatcher:
        """Start the function anew."""
        self.name = NAME
        self.settings = replace(self.settings, connector=NAME, secret_arn="", actions=("add", "remove"))
        contexts = tuple(Context(country) for country in self.countries)
        table = ConditionalTable(self.aws.dynamodb, "ledger")
        clients = Clients(s3=self.aws.s3, sqs=self.aws.sqs, events=self.aws.events, table=table)
        settings = ListSettings(self.settings, contexts, self.most_rows)
        connector = replace(connect(settings, clients), clock=self.clock, sleep=self.clock.pass_s)
        return Dispatcher(connector, active=ListRuns(settings), at_once=False)

    def put_on(
        self, text: str | bytes, kind: str = "raw", *, to: str = "no", file: str = "a.csv"
    ) -> dict[str, Any]:
        """Drop a file for a list, see it through, and return its receipt."""
        before = {one["run_id"] for one in self.receipts()}
        self.run(self.event(self.put(text, f"{NAME}/{to}/{kind}/{file}")))
        (receipt,) = [one for one in self.receipts() if one["run_id"] not in before]
        return receipt

    @property
    def record(self) -> SuppressionRecord:
        """Return the record of the lists."""
        return SuppressionRecord(ConditionalTable(self.aws.dynamodb, "ledger"))

    @property
    def lists(self) -> SuppressionLists:
        """Return the lists."""
        return self.record.read()

    def has(self, platform: str, key: str, normalised: str) -> bool:
        """Return whether a connector of the platform would find a normalised value of a field suppressed."""
        store = ListStore(self.aws.s3, "mirrors")
        _, listed = CurrentSuppressions(self.record, store, platform, self.clock).get()
        kind = tables()[platform].field(key).digest
        return listed.rows_of([(kind, digests(kind, pa.array([normalised])))]) != [None]
