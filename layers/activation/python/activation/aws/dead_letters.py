"""Messages that cannot succeed as they are: sent to the dead-letter queue at once, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from activation.errors import ActivationError

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient


def letter(body: str, **texts: str) -> dict[str, Any]:
    """Return a message for SQS, `texts` as its attributes but for empty ones, which SQS refuses.

    Nor does SQS accept an empty body or one that has no form in UTF-8: those become a space and an escaped text.
    """
    message: dict[str, Any] = {"MessageBody": body.encode(errors="backslashreplace").decode() or " "}
    attributes = {name: {"DataType": "String", "StringValue": text} for name, text in texts.items() if text}
    return {**message, "MessageAttributes": attributes} if attributes else message


def send_to_dead_letters(
    sqs: SQSClient, queue_url: str, body: str, error: ActivationError, *, run_id: str = ""
) -> None:
    """Send a message to a dead-letter queue, with the error's code and sentence as its attributes.

    `body` is what a redrive brings back. `run_id` is "" where there is no run. Raises what the SDK raises.
    """
    message = letter(body, code=error.code, reason=error.sentence, run_id=run_id)
    sqs.send_message(QueueUrl=queue_url, **message)
