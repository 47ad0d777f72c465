"""The daily examination: every connector and what they share, found through the app's own stacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from activation.ledger.keys import NO_CONNECTOR
from activation.platforms.discovery import platforms
from activation.platforms.options import complete
from activation.platforms.platform import Finding

from lambdas.doctor.addresses import AppOutputs
from lambdas.doctor.connector import SHRINKS_PERCENT
from lambdas.doctor.examination import STOPPED, Examiner, guarded
from lambdas.doctor.sources import sources_in

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient

LEAST_S = 60.0  # a connector is not begun when less time is left: its checks take seconds, at worst some tens


@dataclass(frozen=True)
class App:
    """The deployed app, by the outputs of its stacks."""

    outputs: AppOutputs

    @classmethod
    def find(cls, client: CloudFormationClient, name: str) -> App:
        """Read the stacks of the app of this name; raises ClientError and BotoCoreError."""
        return cls(AppOutputs.find(client, name))

    @property
    def ledger_table(self) -> str:
        """Return the name of the ledger table."""
        return self.outputs.storage["LedgerTable"]

    @property
    def bus(self) -> str:
        """Return the name of the app's bus."""
        return self.outputs.storage["EventBusName"]

    @property
    def connectors(self) -> Mapping[str, str]:
        """Return the connectors' platforms by the connectors' names."""
        return self.outputs.platforms or {}

    def examine(
        self,
        command: Callable[..., str],
        remaining_s: Callable[[], float],
        clock: Callable[[], float] = time.time,
        *,
        shrinks_percent: float = SHRINKS_PERCENT,
    ) -> Iterator[tuple[str, list[Finding]]]:
        """Yield each connector with its findings, in the order of the names, then NO_CONNECTOR with the app's.

        `command` returns a command of the app as a person types it, `remaining_s` the seconds until the function's
        timeout: a connector for which too few are left gets a finding that says so. `clock` returns Unix seconds.
        An audience that has lost `shrinks_percent` of its people within a month is a finding.
        """
        examiner = Examiner(
            self.ledger_table,
            command,
            any_endpoint=self.outputs.any_endpoint,
            keeps_sizes=True,
            shrinks_percent=shrinks_percent,
            clock=clock,
            remaining_s=remaining_s,
        )
        yield from (
            (name, list(guarded(self._of(name, examiner, remaining_s)))) for name in sorted(self.connectors)
        )
        yield NO_CONNECTOR, [*examiner.ledger(), *examiner.app(self.outputs.topics, self.outputs.app)]

    def _of(self, name: str, examiner: Examiner, remaining_s: Callable[[], float]) -> Iterator[Finding]:
        addresses, platform = self.outputs.addresses(name), platforms()[self.connectors[name]]
        if addresses is None or remaining_s() < LEAST_S:
            command = examiner.command("doctor", "--connector", name)
            yield Finding(STOPPED, True, f"was not examined, as too little time was left: {command}", warns=True)
            return
        told = self.outputs.told(name)
        options, account = complete(platform.options, told.get("options") or {}), str(told.get("account") or "")
        yield from examiner.connector(
            name, platform, options, addresses, expected_account=account, sources=sources_in(told)
        )
