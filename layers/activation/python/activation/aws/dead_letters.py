"""Messages that cannot succeed as they are: put into the dead letters at once, with the reason beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from activation.errors import ActivationError

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient


def send_to_dead_letters(
    sqs: SQSClient, queue_url: str, body: str, error: ActivationError, *, run_id: str = ""
) -> None:
    """Send a message to a dead-letter queue, with the error's code and sentence as its attributes.

    `body` is what a redrive brings back. `run_id` is "" where there is no run. Raises what the SDK raises.
    """
    texts = {"code": error.code, "reason": error.sentence, **({"run_id": run_id} if run_id else {})}
    attributes: dict[str, Any] = {
        name: {"DataType": "String", "StringValue": text} for name, text in texts.items()
    }
    sqs.send_message(QueueUrl=queue_url, MessageBody=body, MessageAttributes=attributes)
