"""Where messages are sent: the delivery stream, the data topic, other queues. Each call returns its failures.

AWS answers a batch call with 200 and names the entries that failed. Limits, read 2026-11-22:
https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html (500 records, 4 MiB),
https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html (10 entries, 256 KiB together),
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html (10, 1 MiB).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from activation.aws.dead_letters import letter
from activation.aws.errors import ErrorKind, code_of, kind_of
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.marketing_stream.chunks import chunks

FIREHOSE_RECORDS, FIREHOSE_BYTES = 500, 4 * 2**20
SNS_ENTRIES, SNS_BYTES = 10, 256 * 2**10
SQS_ENTRIES, SQS_BYTES = 10, 2**20
_LINE_END = "\n"
_ATTRIBUTE_BYTES = 192  # the reason's attribute, whose name and type count as well

# Seconds between attempts to send failed entries again, before their messages are left to the queue.
WAITS_S = (0.1, 0.4, 1.0)


@dataclass(frozen=True)
class Parcel:
    """A message on its way: its name in the batch, the text to send, and the reason if it is a dead letter."""

    key: str
    text: str
    reason: str = ""


@dataclass(frozen=True)
class Undelivered:
    """Messages that did not arrive: `later` may succeed the next time, `never` are refused for good."""

    later: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()

    def __or__(self, other: Undelivered) -> Undelivered:
        """Return the union of both."""
        return Undelivered(self.later | other.later, self.never | other.never, self.codes | other.codes)


@dataclass(frozen=True)
class Outlets:
    """The SDK's clients; `out_of_time` says whether this invocation must leave the rest for later."""

    firehose: Any
    sns: Any
    sqs: Any
    out_of_time: Callable[[], bool]

    def land(self, stream: str, parcels: Iterable[Parcel], line_end: bytes) -> Undelivered:
        """Put records into the delivery stream, each with its line end."""

        def put(chunk: Sequence[Parcel]) -> Sent:
            records = [{"Data": parcel.text.encode() + line_end} for parcel in chunk]
            answers = self.firehose.put_record_batch(DeliveryStreamName=stream, Records=records)
            failed = [
                (parcel, answer["ErrorCode"])
                for parcel, answer in zip(chunk, answers["RequestResponses"], strict=True)
                if answer.get("ErrorCode")
            ]
            return _codes(code for _, code in failed), [parcel for parcel, _ in failed]

        return self._in_chunks(put, parcels, FIREHOSE_RECORDS, FIREHOSE_BYTES, more_bytes=len(line_end))

    def publish(self, topic: str, parcels: Iterable[Parcel]) -> Undelivered:
        """Publish records to the topic's subscribers, each with a line end; one too large for SNS never arrives.

        Amazon's example app publishes them so. A delivery stream that is subscribed to the topic adds none.
        """
        fitting, too_large = [], set()
        for parcel in parcels:
            if fits_the_topic(parcel):
                fitting.append(parcel)
            else:
                too_large.add(parcel.key)

        def send(chunk: Sequence[Parcel]) -> Sent:
            entries = [
                {"Id": str(number), "Message": f"{parcel.text}{_LINE_END}"} for number, parcel in enumerate(chunk)
            ]
            answer = self.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
            return _judged(chunk, answer.get("Failed", []))

        return Undelivered(never=frozenset(too_large)) | self._in_chunks(
            send, fitting, SNS_ENTRIES, SNS_BYTES, more_bytes=len(_LINE_END)
        )

    def send_on(self, queue_url: str, parcels: Iterable[Parcel]) -> Undelivered:
        """Send messages unchanged to another queue; a dead letter carries its reason as an attribute."""

        def send(chunk: Sequence[Parcel]) -> Sent:
            entries = [_entry(number, parcel) for number, parcel in enumerate(chunk)]
            answer = self.sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
            return _judged(chunk, answer.get("Failed", []))

        return self._in_chunks(send, parcels, SQS_ENTRIES, SQS_BYTES, more_bytes=_ATTRIBUTE_BYTES)

    def _in_chunks(
        self, send: Send, parcels: Iterable[Parcel], max_items: int, max_bytes: int, *, more_bytes: int = 0
    ) -> Undelivered:
        result = Undelivered()
        for chunk in chunks(
            parcels,
            size_bytes=lambda parcel: _bytes(parcel) + more_bytes,
            max_items=max_items,
            max_bytes=max_bytes,
        ):
            result |= _later(chunk) if self.out_of_time() else _patiently(send, chunk)
        return result


def fits_the_topic(parcel: Parcel) -> bool:
    """Return whether SNS takes the record with its line end."""
    return _bytes(parcel) + len(_LINE_END) <= SNS_BYTES


Sent = tuple[Undelivered, list[Parcel]]
Send = Callable[[Sequence[Parcel]], Sent]


def _entry(number: int, parcel: Parcel) -> dict[str, Any]:
    why = {"reason": parcel.reason, "message_id": parcel.key} if parcel.reason else {}
    return {"Id": str(number), **letter(parcel.text, **why)}


def _judged(chunk: Sequence[Parcel], failed: Sequence[dict[str, Any]]) -> tuple[Undelivered, list[Parcel]]:
    """Separate entries that are themselves at fault from those worth retrying."""
    at_fault = frozenset(chunk[int(one["Id"])].key for one in failed if one.get("SenderFault"))
    again = [chunk[int(one["Id"])] for one in failed if not one.get("SenderFault")]
    return Undelivered(never=at_fault) | _codes(one.get("Code", "") for one in failed), again


def _patiently(send: Send, chunk: Sequence[Parcel]) -> Undelivered:
    """Send a chunk, then retry its failed entries; those that still fail are left for later."""
    result = Undelivered()
    left: Sequence[Parcel] = chunk
    for wait_s in (*WAITS_S, None):
        try:
            outcome, left = send(left)
        except (ClientError, BotoCoreError) as error:
            # A refused request is about its content; any other error is about the caller or the moment.
            rest = _one_by_one(send, left) if kind_of(error) is ErrorKind.REQUEST else _later(left)
            return result | _codes([code_of(error)]) | rest
        result |= outcome
        if not left or wait_s is None:
            break
        time.sleep(wait_s)
    return result | _later(left)


def _one_by_one(send: Send, chunk: Sequence[Parcel]) -> Undelivered:
    """Halve a chunk that was refused as a whole until the faulty entry is alone: the others must get through."""
    if len(chunk) == 1:
        return Undelivered(never=frozenset((chunk[0].key,)))
    middle = len(chunk) // 2
    return _patiently(send, chunk[:middle]) | _patiently(send, chunk[middle:])


def _later(parcels: Iterable[Parcel]) -> Undelivered:
    return Undelivered(later=frozenset(parcel.key for parcel in parcels))


def _codes(codes: Iterable[str]) -> Undelivered:
    return Undelivered(codes=frozenset(codes))


def _bytes(parcel: Parcel) -> int:
    return len(parcel.text.encode(errors="surrogatepass"))
