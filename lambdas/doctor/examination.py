"""All checks of the app, for the command and the daily function alike."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import boto3
from activation.authentication.parameter import secret_client
from activation.aws.table import ConditionalTable
from activation.errors import ActivationError, where
from activation.ledger.audiences import KnownAudiences
from activation.platforms.http import PooledHttp
from activation.platforms.options import Value
from activation.platforms.platform import Finding, Platform
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.doctor.addresses import ConnectorAddresses
from lambdas.doctor.concurrency import examine_concurrency
from lambdas.doctor.connector import SHRINKS_PERCENT, ConnectorDoctor
from lambdas.doctor.filled import FilledAccounts
from lambdas.doctor.line import Line
from lambdas.doctor.secret import read_secret
from lambdas.doctor.sources import Source, examine_sources
from lambdas.doctor.told import examine_topics

NOBODY = "none"  # the setting `alarms` of who wants nobody to be notified; see stacks/names.py
STOPPED = "doctor"  # the check of findings about the examination itself
UNEXPECTED_ERROR = "unexpected_error"


@dataclass(frozen=True)
class Examiner:
    """Examines connectors and what they share.

    `ledger_table` is the app's. `any_endpoint` says that secrets may name other servers than the platforms'.
    `command` returns a command of the app as a person types it. `own_sdk` says that a platform's own SDK may be
    used: it is installed with the command, and no function has it. `keeps_sizes` records the sizes of audiences
    that a platform tells, and finds those that lost `shrinks_percent` in a month. `clock` returns Unix seconds,
    `today` the date in UTC, `remaining_s` the seconds in which the examination has to end.
    """

    ledger_table: str
    command: Callable[..., str]
    any_endpoint: bool = False
    own_sdk: bool = False
    keeps_sizes: bool = False
    shrinks_percent: float = SHRINKS_PERCENT
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
        sources: Sequence[Source] = (),
    ) -> Iterator[Finding]:
        """Yield the findings of a connector, its line and its sources; `options` are the connector's, complete.

        `audience` is looked up by its name, "" for none. `expected_account` is the ad account that the settings
        name, "" for none; others whose audiences the connector has filled are examined as well. What one part
        raises is its finding, and the others are examined all the same.
        """
        yield from guarded(
            self._access(
                name,
                platform,
                options,
                addresses.secret_arn,
                audience=audience,
                expected_account=expected_account,
            )
        )
        line = Line(
            name,
            addresses.queue_url,
            addresses.dead_letter_queue_url,
            addresses.undelivered_queue_url,
            addresses.function_name,
            addresses.rule_arn,
            self.command,
        )
        clients = boto3.client("sqs"), boto3.client("events"), boto3.client("lambda")
        yield from guarded(line.findings(*clients))
        yield from guarded(examine_sources(sources, addresses.function_name))

    def _access(
        self,
        name: str,
        platform: Platform,
        options: Mapping[str, Value],
        secret_arn: str,
        *,
        audience: str,
        expected_account: str,
    ) -> Iterator[Finding]:
        table = ConditionalTable(boto3.client("dynamodb"), self.ledger_table)
        yield from ConnectorDoctor(
            name,
            platform,
            options,
            secret_arn,
            lambda: read_secret(secret_arn),
            lambda: secret_client(secret_arn),
            table,
            PooledHttp(connections=1),
            self.command,
            expected_account=expected_account,
            further_accounts=self._filled.by_connector.get(name, ()),
            any_endpoint=self.any_endpoint,
            own_sdk=self.own_sdk,
            sizes=KnownAudiences(table, clock=self.clock) if self.keeps_sizes else None,
            shrinks_percent=self.shrinks_percent,
            clock=self.clock,
            today=self.today,
            remaining_s=self.remaining_s,
        ).findings(audience)

    def ledger(self) -> Iterator[Finding]:
        """Yield a warning where the ledger does not say which ad accounts were filled."""
        yield from guarded(self._filled.findings())

    def app(self, topics: tuple[str, ...], told: Mapping[str, Any]) -> Iterator[Finding]:
        """Yield what concerns no connector alone: who is notified, and how much may run at once.

        `told` is what `stacks.connector_told.of_app` says of the settings, {} of an earlier release's.
        """
        yield from guarded(examine_topics(topics, nobody=told.get("alarms") == NOBODY))
        if told:
            yield from guarded(map(examine_concurrency, [told]))

    @cached_property
    def _filled(self) -> FilledAccounts:
        return FilledAccounts.read(boto3.client("dynamodb"), self.ledger_table)


def guarded(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield findings; what is raised is the last of them, so that it does not end the whole examination."""
    try:
        yield from findings
    except ActivationError as error:
        yield Finding(STOPPED, False, f"the examination stopped: {error.sentence}")
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        yield Finding(STOPPED, False, f"the examination stopped: {code}")
    except Exception as error:  # noqa: BLE001  a mistake of ours in one connector's checks must not hide the others
        says = f"the examination stopped: {UNEXPECTED_ERROR}, {type(error).__name__} at {where(error)}"
        yield Finding(STOPPED, False, f"{says}; report it to who maintains this app")
