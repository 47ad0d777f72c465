"""The transfer function: one file a message."""

from __future__ import annotations

import os

from activation.aws.sqs_edge import sqs_handler
from activation.aws.table import ConditionalTable
from botocore.config import Config

from lambdas.ci360.aws import client
from lambdas.ci360.occurrences import Occurrences
from lambdas.ci360.redaction import logger
from lambdas.ci360.settings import TransferSettings
from lambdas.ci360.source import Source
from lambdas.ci360.storage import Storage
from lambdas.ci360.transferring import Transfers

# A message is hidden for a minute and a half from each heartbeat on, so that a killed worker's file is soon taken
# up: the queue's own time is half an hour, and the file's link may not live that long. The lease keeps a second
# worker away.
HEARTBEAT_S = 15.0
_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 4},
    connect_timeout=3,
    read_timeout=20,
    max_pool_connections=8,
    # A part's checksum goes with it and is compared by S3; hashing every part for the signature as well would cost
    # as much as all the rest of the work on it. TLS protects the body on its way.
    s3={"payload_signing_enabled": False},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",  # what is read back is digested here
)

_log = logger(os.environ.get("LOG_LEVEL", ""))


def _transfers() -> Transfers:
    settings = TransferSettings.from_environment(os.environ)
    table = ConditionalTable(client("dynamodb", config=_CONFIG), settings.table)
    s3 = client("s3", config=_CONFIG)
    return Transfers(
        settings=settings,
        occurrences=Occurrences(table, keep_days=settings.keep_days),
        source=Source(settings.hosts, laptop_ca=settings.laptop_ca),
        storage=Storage(s3, settings.bucket),
        sas_files=Storage(s3, settings.sas_bucket, overwrites=True) if settings.sas_bucket else None,
        sqs=client("sqs", config=_CONFIG),
        events=client("events", config=_CONFIG),
        log=_log,
    )


lambda_handler = sqs_handler(_transfers, _log, heartbeat_s=HEARTBEAT_S)
