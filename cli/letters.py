"""Dead letters one by one: which runs they are of, and why, and some of them back to their queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from activation.codes import explain

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

    from cli.deployment import Deployment

HIDDEN_S = 30  # visibility timeout while the letters are read, so that each receive returns others
# The code of a message that SQS moved itself, after the function had failed with it too often.
NO_REASON = "no_reason"


@dataclass(frozen=True)
class Letter:
    """A dead letter as it was received.

    `run_id` is "" where its message could not be read. `code` and `sentence` are why it is here. `sent_at` is when
    it came, in Unix seconds. `message_id` is what SQS calls its message.
    """

    run_id: str
    code: str
    sentence: str
    sent_at: float
    body: str
    handle: str
    message_id: str = ""


@dataclass(frozen=True)
class DeadLetters:
    """The dead letters in the queue `url`, whose messages came from the queue `back`."""

    sqs: SQSClient
    url: str
    back: str

    def read(self, most: int | None = None) -> tuple[Letter, ...]:
        """Return the letters, the oldest first, and leave them where they are.

        With `most`, no further ones are asked for once there are as many: at most nine more are returned.
        """
        found = tuple(self._received(most))
        self._show(found)
        return tuple(sorted(found, key=lambda one: one.sent_at))

    def move(self, wanted: Callable[[Letter], bool]) -> int:
        """Send the wanted letters back to their queue, and return how many; the others stay.

        Each is sent before it is deleted, so a crash leaves two copies, which the ledger makes harmless.
        """
        found = tuple(self._received())
        chosen = [one for one in found if wanted(one)]
        for one in chosen:
            self.sqs.send_message(QueueUrl=self.back, MessageBody=one.body)
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=one.handle)
        self._show(one for one in found if one not in chosen)
        return len(chosen)

    def delete(self, wanted: Callable[[Letter], bool]) -> int:
        """Delete the wanted letters, and return how many; the others stay."""
        found = tuple(self._received())
        chosen = [one for one in found if wanted(one)]
        for one in chosen:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=one.handle)
        self._show(one for one in found if one not in chosen)
        return len(chosen)

    def _received(self, most: int | None = None) -> Iterator[Letter]:
        count = 0
        while (most is None or count < most) and (
            messages := self.sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=HIDDEN_S,
                MessageAttributeNames=["run_id", "code", "reason"],
                MessageSystemAttributeNames=["SentTimestamp"],
            ).get("Messages", [])
        ):
            count += len(messages)
            for message in messages:
                told = {
                    name: one.get("StringValue", "") for name, one in message.get("MessageAttributes", {}).items()
                }
                yield Letter(
                    told.get("run_id", ""),
                    told.get("code", NO_REASON),
                    told.get("reason") or explain(NO_REASON).happened,
                    int(message.get("Attributes", {}).get("SentTimestamp", "0")) / 1_000,
                    message["Body"],
                    message["ReceiptHandle"],
                    message.get("MessageId", ""),
                )

    def _show(self, letters: Iterator[Letter] | tuple[Letter, ...]) -> None:
        """Let the letters be received again at once."""
        for one in letters:
            self.sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=one.handle, VisibilityTimeout=0)


def letters_of(found: Deployment, connector: str) -> DeadLetters:
    """Return the dead letters of a connector, or of the suppression lists."""
    import boto3

    queues = found.queues(connector)
    return DeadLetters(boto3.client("sqs"), queues.dead_letter_queue_url, queues.queue_url)
