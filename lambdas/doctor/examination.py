"""All checks of the app, for the command and the daily function alike."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import boto3
from activation.authentication.parameter import secret_client
from activation.aws.table import ConditionalTable
from activation.ledger.audiences import KnownAudiences
from activation.platforms.http import PooledHttp
from activation.platforms.options import Value
from activation.platforms.platform import Finding, Platform

from lambdas.doctor.addresses import ConnectorAddresses
from lambdas.doctor.concurrency import examine_concurrency
from lambdas.doctor.connector import ConnectorDoctor
from lambdas.doctor.line import Line
from lambdas.doctor.secret import read_secret
from lambdas.doctor.told import examine_topics

NOBODY = "none"  # the setting `alarms` of who wants nobody to be notified; see stacks/names.py


@dataclass(frozen=True)
class Examiner:
    """Examines connectors and what they share.

    `ledger_table` is the app's. `any_endpoint` says that secrets may name other servers than the platforms'.
    `command` returns a command of the app as a person types it. `own_sdk` says that a platform's own SDK may be
    used: it is installed with the command, and no function has it. `keeps_sizes` records the sizes of audiences
    that a platform tells. `clock` returns Unix seconds, `today` the date in UTC, `remaining_s` the seconds in
    which the examination has to end.
    """

    ledger_table: str
    command: Callable[..., str]
    any_endpoint: bool = False
    own_sdk: bool = False
    keeps_sizes: bool = False
    clock: Callable[[], float] = time.time
    today: Callable[[], date] = lambda: datetime.now(UTC).date()
    remaining_s: Callable[[], float] = lambda: math.inf

    def connector(
        self,
        name: str,
        platform: Platform,
        options: Mapping[str, Value],
        addresses: ConnectorAddresses,
        audience: str = "",
        *,
        expected_account: str = "",
    ) -> Iterator[Finding]:
        """Yield the findings of a connector and its line; `options` are the connector's, complete.

        `audience` is looked up by its name, "" for none. `expected_account` is the ad account that the settings
        name, "" for none.
        """
        table = ConditionalTable(boto3.client("dynamodb"), self.ledger_table)
        yield from ConnectorDoctor(
            name,
            platform,
            options,
            addresses.secret_arn,
            lambda: read_secret(addresses.secret_arn),
            lambda: secret_client(addresses.secret_arn),
            table,
            PooledHttp(connections=1),
            self.command,
            expected_account=expected_account,
            any_endpoint=self.any_endpoint,
            own_sdk=self.own_sdk,
            sizes=KnownAudiences(table, clock=self.clock) if self.keeps_sizes else None,
            clock=self.clock,
            today=self.today,
            remaining_s=self.remaining_s,
        ).findings(audience)
        yield from Line(
            name,
            addresses.queue_url,
            addresses.dead_letter_queue_url,
            addresses.undelivered_queue_url,
            addresses.function_name,
            addresses.rule_arn,
            self.command,
        ).findings(boto3.client("sqs"), boto3.client("events"), boto3.client("lambda"))


def examine_app(topics: tuple[str, ...], told: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what concerns no connector alone: who is notified, and how much may run at once.

    `told` is what `stacks.connector_told.of_app` says of the settings, {} of an earlier release's.
    """
    yield from examine_topics(topics, nobody=told.get("alarms") == NOBODY)
    if told:
        yield examine_concurrency(told)
