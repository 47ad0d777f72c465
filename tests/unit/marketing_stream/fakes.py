"""AWS as the stream's functions see it: services with AWS's limits that can be told to fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

Call = dict[str, Any]


def refusal(code: str, operation: str = "Call", *, status: int = 0) -> ClientError:
    """Make the SDK's error for an AWS error code; without a `status` the code alone says what it means."""
    answer: Any = {"Error": {"Code": code, "Message": "as told"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


@dataclass
class FakeFirehose:
    """A delivery stream. `fails` says of a record, and how often it was tried, which error it gets, or none."""

    landed: list[bytes] = field(default_factory=list)
    calls: int = 0
    fails: Callable[[bytes, int], str | None] = lambda _data, _tries: None
    refuses: Callable[[Sequence[bytes]], ClientError | None] = lambda _records: None
    tries: dict[bytes, int] = field(default_factory=dict)

    def put_record_batch(self, *, DeliveryStreamName: str, Records: list[Call]) -> Call:
        """Take records within the limits of AWS."""
        self.calls += 1
        data = [record["Data"] for record in Records]
        assert 0 < len(data) <= 500
        assert sum(map(len, data)) <= 4 * 2**20
        assert all(len(one) <= 1000 * 1024 for one in data)
        if error := self.refuses(data):
            raise error
        answers: list[Call] = []
        for one in data:
            self.tries[one] = self.tries.get(one, 0) + 1
            code = self.fails(one, self.tries[one])
            if code is None:
                self.landed.append(one)
                answers.append({"RecordId": str(len(self.landed))})
            else:
                answers.append({"ErrorCode": code, "ErrorMessage": "as told"})
        return {"FailedPutCount": sum("ErrorCode" in one for one in answers), "RequestResponses": answers}


@dataclass
class FakeSns:
    """A topic, and Amazon's topics: `tokens` says which token confirms a subscription to which."""

    published: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    fails: Callable[[str], tuple[str, bool] | None] = lambda _message: None
    refuses: Callable[[Sequence[str]], ClientError | None] = lambda _messages: None
    tokens: dict[str, str] = field(default_factory=dict)
    confirmed: list[str] = field(default_factory=list)
    confirm_error: ClientError | None = None

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: list[Call]) -> Call:
        """Publish messages within the limits of AWS."""
        messages = [entry["Message"] for entry in PublishBatchRequestEntries]
        self.batches.append(len(messages))
        assert 0 < len(messages) <= 10
        if sum(len(one.encode()) for one in messages) > 262_144:
            raise refusal("BatchRequestTooLong")
        if error := self.refuses(messages):
            raise error
        failed = []
        for entry in PublishBatchRequestEntries:
            if problem := self.fails(entry["Message"]):
                failed.append({"Id": entry["Id"], "Code": problem[0], "SenderFault": problem[1]})
            else:
                self.published.append(entry["Message"])
        return {"Successful": [], "Failed": failed}

    def confirm_subscription(self, *, TopicArn: str, Token: str) -> Call:
        """Confirm with a token that belongs to the topic."""
        if self.confirm_error:
            raise self.confirm_error
        if self.tokens.get(Token) != TopicArn:
            raise refusal("InvalidParameter")
        self.confirmed.append(TopicArn)
        return {"SubscriptionArn": f"{TopicArn}:1"}


@dataclass
class FakeSqs:
    """Queues by URL, and the waits that were shortened."""

    queues: dict[str, list[Call]] = field(default_factory=dict)
    waits: list[int] = field(default_factory=list)
    visibility_calls: int = 0
    refuses: ClientError | None = None

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Call]) -> Call:
        """Queue messages within the limits of AWS."""
        assert 0 < len(Entries) <= 10
        assert sum(len(one["MessageBody"].encode()) for one in Entries) <= 2**20
        assert all(one["MessageBody"] for one in Entries)
        if self.refuses:
            raise self.refuses
        self.queues.setdefault(QueueUrl, []).extend(Entries)
        return {"Successful": Entries}

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[Call]) -> Call:
        """Note how long messages stay hidden."""
        assert 0 < len(Entries) <= 10
        self.visibility_calls += 1
        if self.refuses:
            raise self.refuses
        self.waits += [one["VisibilityTimeout"] for one in Entries]
        return {"Successful": Entries}

    def reasons(self, url: str) -> dict[str, str]:
        """Return the reason of each dead letter in a queue, by its body."""
        return {
            one["MessageBody"]: one["MessageAttributes"]["reason"]["StringValue"]
            for one in self.queues.get(url, [])
        }
