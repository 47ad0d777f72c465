"""The edge between a function and its queue: a message that failed is never acknowledged, and returns in time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from activation.aws.lease import LeaseHeld, LeaseLost
from activation.aws.visibility import backoff_s, postpone
from activation.errors import ActivationError, Retryable

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

RETURN_S = 60.0  # after a failure without a wait of its own; sooner than any queue's visibility timeout


class QueueWorker(Protocol):
    """Handles the messages of a function's queue. Made once per cold start."""

    @property
    def sqs(self) -> SQSClient:
        """Return the client that changes a message's visibility."""
        ...

    @property
    def queue_url(self) -> str:
        """Return the URL of the queue that the messages come from."""
        ...

    def handle(self, body: str, context: LambdaContext) -> None:
        """Handle one message; whatever is raised makes it return."""
        ...


def sqs_handler(make: Callable[[], QueueWorker], logger: Logger) -> Callable[[dict[str, Any], LambdaContext], Any]:
    """Return a Lambda handler for batches of a queue, which reports the messages that must return.

    `make` is called at the first message, so that missing settings make that message return as any failure does. A
    failure's wait becomes the message's visibility timeout.
    """
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    made: list[QueueWorker] = []

    def on_message(record: SQSRecord, lambda_context: LambdaContext) -> None:
        try:
            if not made:
                made.append(make())
            made[0].handle(record.body, lambda_context)
        except Exception as error:  # the edge: whatever the error, the message must return
            after_s = _report(logger, error, lambda_context.get_remaining_time_in_millis() / 1000)
            if isinstance(error, ActivationError):
                # Backs off, so that a message's few receives outlast an outage.
                after_s = backoff_s(after_s, int(record.attributes.approximate_receive_count))
            if made and (failed := postpone(made[0].sqs, made[0].queue_url, [(record.receipt_handle, after_s)])):
                logger.warning("visibility not changed", extra={"error": failed})
            raise

    def handler(event: dict[str, Any], context: LambdaContext) -> Any:
        return process_partial_response(
            event=event, record_handler=on_message, processor=processor, context=context
        )

    return handler


def where(error: BaseException) -> str:
    """Return the module and line that raised, for the log: an error's own text may hold a value."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _report(logger: Logger, error: Exception, time_left_s: float) -> float:
    """Log why a message returns, and return the seconds until it should."""
    match error:
        case LeaseHeld():
            logger.info("another worker holds the lease", extra={"for_s": round(error.for_s)})
            return error.for_s + time_left_s
        case LeaseLost():
            logger.warning("another worker acquired the lease")
        case ActivationError():
            logger.error("the message could not be handled", extra={"code": error.code, "why": error.sentence})
            return error.after_s if isinstance(error, Retryable) else RETURN_S
        case _:
            logger.error("unexpected error", extra={"error": type(error).__name__, "at": where(error)})
    return RETURN_S
