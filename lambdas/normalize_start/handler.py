"""Starts the normalize job once for each export."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import boto3
import msgspec
from activation.aws.clients import CONFIG, Clients
from activation.aws.environment import Environment
from activation.aws.sdk import checked
from activation.aws.sqs_edge import sqs_handler
from activation.ledger.folders import Folders
from activation.ledger.keys import NO_CONNECTOR
from activation.ledger.paid_starts import PaidStarts
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from lambdas.normalize_start.closing import Closings
from lambdas.normalize_start.exports import Exports, ExportSettings
from lambdas.normalize_start.job import GlueJob
from lambdas.normalize_start.worker import StartWorker

_DAY_S = 86_400
_log, _metrics = Logger(), Metrics()


def _worker() -> StartWorker:
    variables = Environment(os.environ)
    ledger, days = variables.text("LEDGER_TABLE"), variables.whole("LEDGER_TTL_DAYS")
    bucket, listings = variables.text("EXPORTS_BUCKET"), variables.text("RECEIPTS_BUCKET")
    drops, job = variables.text("DROPS_BUCKET"), variables.text("JOB_NAME")
    queue, dead_letters = variables.text("QUEUE_URL"), variables.text("DEAD_LETTER_QUEUE_URL")
    bus, retries = variables.text("EVENT_BUS_NAME"), variables.whole("RETRIES")
    account = variables.text("ACCOUNT_ID")
    exports = Exports(bucket, _exports(variables))
    variables.finish()
    clients = Clients.connect(ledger)
    starts = PaidStarts(clients.table, keep_s=float(days * _DAY_S))
    once = CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
    return StartWorker(
        closings=Closings(
            clients.s3, exports, Folders(clients.table, NO_CONNECTOR, ttl_days=days), starts, listings
        ),
        starts=starts,
        job=GlueJob(
            job,
            starting=checked(boto3.client("glue", config=once)),
            reading=checked(boto3.client("glue", config=CONFIG)),
        ),
        sqs=clients.sqs,
        events=clients.events,
        queue_url=queue,
        dead_letter_queue_url=dead_letters,
        bus=bus,
        output=f"s3://{drops}",
        retries=retries,
        account=account,
        log=_log,
        metrics=_metrics,
    )


def _exports(variables: Environment) -> tuple[ExportSettings, ...]:
    mappings = variables.text("MAPPINGS_BUCKET")
    try:
        told = msgspec.convert(variables.parsed("EXPORTS", []), tuple[ExportSettings, ...])
        return tuple(replace(one, mapping=f"s3://{mappings}/{one.mapping}") for one in told)
    except msgspec.ValidationError:
        variables.wrong("EXPORTS")
        return ()


_handle = sqs_handler(_worker, _log)


@_log.inject_lambda_context(clear_state=True)
@_metrics.log_metrics
def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle a batch of the queue; the messages that must return are reported."""
    return _handle(event, context)
