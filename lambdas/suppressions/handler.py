"""The function of suppression lists: the messages of its queue, each a drop below `suppressions/`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from activation.aws.clients import Clients
from activation.aws.sqs_edge import sqs_handler
from activation.platforms.http import PooledHttp
from activation.runs.advance import Active
from activation.runs.cold_start import Connector
from activation.runs.connector import ConnectorFunction
from activation.runs.dispatch import Dispatcher
from activation.runs.invocation import Invocation
from activation.runs.states import StateMachine
from activation.runs.telemetry import Telemetry
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.suppressions.lists import LISTS, NoSecret, tables
from lambdas.suppressions.run import ListRun
from lambdas.suppressions.settings import ListSettings

if TYPE_CHECKING:
    from activation.runs.secret import ConnectorSecret

tables()  # at the function's start, not during its first message
_telemetry = Telemetry()


@dataclass(frozen=True)
class ListRuns:
    """Makes the run of a message. The drops of lists have no parts: each is read by one worker."""

    settings: ListSettings

    def __call__(self, invocation: Invocation) -> Active:
        """Return the run of a claimed record."""
        clock = invocation.connector.clock
        machine = StateMachine.of_run(invocation.held.run, self.settings.function.deadline_s, clock)
        return ListRun(invocation, machine, self.settings)


def connect(settings: ListSettings, clients: Clients) -> Connector:
    """Return what the messages share: all that a connector has, but for an ad account and its secret."""
    # The line asks a secret of connectors for two things alone, both of which this has.
    secret = cast("ConnectorSecret", NoSecret())
    return Connector(LISTS, settings.function, clients, secret, PooledHttp(connections=1))


def _make() -> ConnectorFunction:
    settings = ListSettings.from_environment(os.environ)
    _telemetry.metrics.set_default_dimensions(connector=settings.function.connector)
    connector = connect(settings, Clients.connect(settings.function.ledger_table))
    dispatcher = Dispatcher(connector, _telemetry, ListRuns(settings), at_once=False)
    return ConnectorFunction(dispatcher, connector.clients.sqs, settings.function.queue_url)


_handle = sqs_handler(_make, _telemetry.log, numbered=True)


@_telemetry.log.inject_lambda_context(clear_state=True)
@_telemetry.metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Handle a batch from the lists' queue; return the messages that must be delivered again."""
    return _handle(event, context)
