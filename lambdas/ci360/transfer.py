"""The transfer function: one file a message, and the SQS edge that never acknowledges a failure."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from activation.aws.lease import LeaseHeld, LeaseLost
from activation.aws.table import ConditionalTable
from activation.errors import ActivationError, Retryable
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.ci360.aws import client
from lambdas.ci360.occurrences import Occurrences
from lambdas.ci360.redaction import logger, where
from lambdas.ci360.settings import TransferSettings
from lambdas.ci360.source import Source
from lambdas.ci360.storage import Storage
from lambdas.ci360.transferring import Transfers

COME_BACK_S = 60
# A message stays hidden for this long from each sign of life on, so that a killed worker's file is taken up
# soon: the queue's own time is half an hour, and its link may not live that long. The lease keeps a second
# worker away.
HIDDEN_S = 90
SIGN_OF_LIFE_S = 15
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
_made: list[tuple[Transfers, Any]] = []


def _transfers() -> tuple[Transfers, Any]:
    """Make settings and clients at the first message, and keep them."""
    if not _made:
        settings = TransferSettings.from_environment(os.environ)
        sqs = client("sqs", config=_CONFIG)
        table = ConditionalTable(client("dynamodb", config=_CONFIG), settings.table)
        transfers = Transfers(
            settings=settings,
            occurrences=Occurrences(table, keep_days=settings.keep_days),
            source=Source(settings.hosts, laptop_ca=settings.laptop_ca),
            storage=Storage(client("s3", config=_CONFIG), settings.bucket),
            sqs=sqs,
            events=client("events", config=_CONFIG),
            log=_log,
        )
        _made.append((transfers, sqs))
    return _made[0]


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Bring each message's file forward; answers with the messages that must come back."""
    failed = [
        {"itemIdentifier": record["messageId"]}
        for record in event["Records"]
        if not _handled(record, lambda: context.get_remaining_time_in_millis() / 1000)
    ]
    return {"batchItemFailures": failed}


def _handled(record: Mapping[str, Any], time_left_s: Callable[[], float]) -> bool:
    after_s: float = COME_BACK_S
    try:
        transfers, _ = _transfers()
        transfers.advance(record["body"], time_left_s=time_left_s, alive=_signs_of_life(record))
    except LeaseHeld as held:
        _log.info("another worker has the file", extra={"for_s": round(held.for_s)})
        # Soon at first, in case the other one was killed; a message that is one too many must not use up its
        # receives.
        after_s = held.for_s + 1 + 120 * (int(record["attributes"]["ApproximateReceiveCount"]) - 1)
    except LeaseLost:
        _log.warning("another worker took the file over")
    except ActivationError as error:
        _log.error("the file could not be brought forward", extra={"code": error.code, "reason": error.sentence})
        after_s = error.after_s if isinstance(error, Retryable) else COME_BACK_S
    except Exception as error:  # noqa: BLE001  the SQS edge: whatever it was, the message must come back
        _log.error("unforeseen", extra={"error": type(error).__name__, "at": where(error)})
    else:
        return True
    _come_back(record, after_s)
    return False


def _signs_of_life(record: Mapping[str, Any]) -> Callable[[], None]:
    """Return what keeps a message hidden while its file is worked on; called as often as one likes."""
    given_at = -math.inf

    def alive() -> None:
        nonlocal given_at
        if time.monotonic() - given_at > SIGN_OF_LIFE_S:
            _come_back(record, HIDDEN_S)
            given_at = time.monotonic()

    return alive


def _come_back(record: Mapping[str, Any], after_s: float) -> None:
    """Let the message be seen again after so many seconds, unless Lambda has deleted it by then."""
    if not _made:
        return
    transfers, sqs = _made[0]
    try:
        sqs.change_message_visibility(
            QueueUrl=transfers.settings.queue_url,
            ReceiptHandle=record["receiptHandle"],
            VisibilityTimeout=math.ceil(after_s),
        )
    except (BotoCoreError, ClientError) as error:
        # Then the queue's own time holds; a second worker that comes too early finds the lease taken.
        _log.warning("the message's time could not be changed", extra={"error": type(error).__name__})
