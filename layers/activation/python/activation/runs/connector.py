"""A connector's function: the messages of its queue, and the SQS edge that never acknowledges a failure."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from activation.authentication.parameter import secret_client
from activation.aws.clients import CONFIG, Clients
from activation.aws.sqs_edge import sqs_handler
from activation.buffers import from_malloc
from activation.pipeline.slots import InFlight
from activation.platforms.http import PooledHttp
from activation.platforms.options import complete
from activation.platforms.platform import Platform
from activation.runs.cold_start import Connector
from activation.runs.dispatch import Dispatcher
from activation.runs.secret import ConnectorSecret
from activation.runs.settings import FunctionSettings, check_options
from activation.runs.telemetry import Telemetry

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient


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


def connect(platform: Platform, settings: FunctionSettings) -> Connector:
    """Make a connector's clients and read nothing yet.

    Raises ConfigError when the settings' options are wrong, or the SDK is too old.
    """
    check_options(platform.options, settings.options)
    clients = Clients.connect(settings.ledger_table)
    limits = platform.limits
    http = PooledHttp(
        connections=InFlight.of(limits.in_flight, limits.most_in_flight, settings.requests_in_flight).most
    )
    secret = ConnectorSecret(
        platform,
        secret_client(settings.secret_arn, config=CONFIG),
        settings.secret_arn,
        table=clients.table,
        http=http,
        options=complete(platform.options, settings.options),
        expected_account=settings.expected_account,
        accounts=settings.accounts,
        any_endpoint=settings.any_endpoint,
    )
    return Connector(platform, settings, clients, secret, http)


def lambda_handler_for(platform: Platform) -> Callable[[dict[str, Any], LambdaContext], Any]:
    """Return a platform's Lambda entry point; settings are read and clients made at its first message."""
    from_malloc()
    platform.load()  # at the function's start, not during its first message
    telemetry = Telemetry()

    def make() -> ConnectorFunction:
        settings = FunctionSettings.from_environment(os.environ)
        telemetry.metrics.set_default_dimensions(connector=settings.connector)
        connector = connect(platform, settings)
        return ConnectorFunction(Dispatcher(connector, telemetry), connector.clients.sqs, settings.queue_url)

    handle = sqs_handler(make, telemetry.log, numbered=True)

    @telemetry.log.inject_lambda_context(clear_state=True)
    @telemetry.metrics.log_metrics
    def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
        """Handle a batch from the connector's queue; return the messages that must be delivered again."""
        return handle(event, context)

    return lambda_handler
