"""What `doctor` finds of a connector's line: its rule, queue, mapping and function, and what was left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from activation.platforms.platform import Finding
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_sqs.client import SQSClient

DEPLOY = "deploy again"


@dataclass(frozen=True)
class Line:
    """The addresses of one connector's line; `command` returns a command of the app as a person types it."""

    connector: str
    queue_url: str
    dead_letter_queue_url: str
    undelivered_queue_url: str
    function_name: str
    rule_arn: str
    command: Callable[..., str]

    def findings(self, sqs: SQSClient, events: EventBridgeClient, lambda_: LambdaClient) -> Iterator[Finding]:
        """Yield a finding for each part; one that we may not look at is a warning, as it may well be in order."""
        yield from _seen("rule", lambda: self._rule(events))
        yield from _seen("mapping", lambda: self._mapping(lambda_))
        yield from _seen("queue", lambda: self._queue(sqs))
        yield from _seen("dead letters", lambda: self._left(sqs, "dead letters", self.dead_letter_queue_url))
        yield from _seen("undelivered", lambda: self._left(sqs, "undelivered", self.undelivered_queue_url))

    def _rule(self, events: EventBridgeClient) -> Finding:
        state = events.describe_rule(Name=self.rule_arn.rsplit("/", 1)[-1])["State"]
        on = state.startswith("ENABLED")
        enable = f"aws events enable-rule --name {self.rule_arn.rsplit('/', 1)[-1]}"
        return Finding("rule", on, "on" if on else f"switched off, so no drop starts a run: {enable}")

    def _mapping(self, lambda_: LambdaClient) -> Finding:
        found = lambda_.list_event_source_mappings(FunctionName=self.function_name)["EventSourceMappings"]
        if not found:
            return Finding("mapping", False, f"nothing calls the function when a drop is queued: {DEPLOY}")
        state, uuid = found[0].get("State", ""), found[0].get("UUID", "")
        on = state in ("Enabled", "Enabling", "Creating", "Updating")
        enable = f"aws lambda update-event-source-mapping --uuid {uuid} --enabled"
        return Finding("mapping", on, "on" if on else f"{state.lower()}, so queued drops are not read: {enable}")

    def _queue(self, sqs: SQSClient) -> Finding:
        waiting = _number(sqs, self.queue_url, "ApproximateNumberOfMessages")
        return Finding("queue", True, f"{waiting} waiting")

    def _left(self, sqs: SQSClient, check: str, url: str) -> Finding:
        left = _number(sqs, url, "ApproximateNumberOfMessages")
        redrive = self.command("redrive", "--connector", self.connector)
        listed = self.command("redrive", "--connector", self.connector, "--list")
        why = f"{listed} says why; remove the cause, then" if check == "dead letters" else "then"
        return Finding(check, not left, "none" if not left else f"{left}: {why} {redrive}".replace(": then", ":"))


def _number(sqs: SQSClient, url: str, name: Any) -> int:
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def _seen(check: str, look: Callable[[], Finding]) -> Iterator[Finding]:
    try:
        yield look()
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        denied = "AccessDenied" in code or "NotAuthorized" in code
        says = f"cannot be looked at: {code}" if denied else f"is not as it was deployed ({code}): {DEPLOY}"
        yield Finding(check, denied, says, warns=denied)
