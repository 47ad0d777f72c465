"""What a person can do to a run: stop it, continue it, discard it. Each is kept with who did it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from activation.codes import Who, asks_for_new_drop, explain
from activation.ledger.orders import DISCARDED, ORDERED

from cli.runs.rows import WAITS, RunRow
from stacks.names import SUPPRESSIONS

if TYPE_CHECKING:
    from cli.deployment import Deployment

STOPPABLE = frozenset({"running", "waiting"})
CONTINUABLE = frozenset({"failed", "blocked"})
DISCARDABLE = frozenset({"waiting", "blocked", "failed"})
ALLOWED = {
    "stop": (STOPPABLE, "only a run that is running or waiting can be stopped"),
    "retry": (CONTINUABLE, "only a run that has failed, is blocked or was stopped can continue"),
    "discard": (DISCARDABLE, "only a run that waits, is blocked or has failed can be discarded"),
}


class RefusedActionError(Exception):
    """A run cannot be acted on so, for the reason in `sentence`; nothing was done."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class RunActions:
    """Acts on runs of the deployed app `found`; `by` is who does, as AWS names them.

    Each method returns a sentence that says what happens next. Raises RefusedActionError where the run is in no
    state for it, and what AWS raises.
    """

    found: Deployment
    by: str

    def refuse(self, action: str, row: RunRow) -> None:
        """Raise RefusedActionError where a run is in no state for an action, or has no message to act by."""
        is_list = row.connector == SUPPRESSIONS and self.found.lists is not None
        if row.connector not in self.found.connectors and not is_list:
            raise RefusedActionError("it belongs to no connector")
        if action == "stop" and row.state == "accepted":
            raise RefusedActionError("the platform has accepted all of it: there is nothing left to stop")
        states, otherwise = ALLOWED[action]
        if row.state not in states:
            raise RefusedActionError(f"it is {row.state_word}; {otherwise}")
        if row.code == DISCARDED:
            again = "it was discarded already" if action == "discard" else "it was discarded: drop the file again"
            raise RefusedActionError(again)
        if row.state in CONTINUABLE and not (action == "discard" and row.is_unread) and not self._has_message(row):
            then = "nothing continues it" if action == "discard" else "drop the file again"
            raise RefusedActionError(f"its message is neither in its record nor among the dead letters: {then}")

    def stop(self, row: RunRow) -> str:
        """Have a run send nothing more; what was acknowledged stays, and is accounted for."""
        self.refuse("stop", row)
        self._order(row, "stop")
        if row.state in WAITS and self._continue(row):
            return "it waits, and stops now"
        return "it stops after the requests that are in flight"

    def retry(self, row: RunRow) -> str:
        """Have a stopped, failed or blocked run continue where it ended."""
        self.refuse("retry", row)
        self._order(row, "retry")
        self._continue(row)
        return "it continues where it ended; what was acknowledged is not sent again"

    def discard(self, row: RunRow) -> str:
        """Discard a run that waits, is blocked or has failed: end it, release its lock and note who did."""
        self.refuse("discard", row)
        if row.is_unread:
            return self._discard_unread(row)
        self._order(row, "discard")
        if self._continue(row):
            return "it is discarded now"
        return "it is discarded when its message comes, within 15 minutes"

    def _discard_unread(self, row: RunRow) -> str:
        """Discard a drop whose key cannot be read; later messages for it are ignored."""
        import boto3
        from activation.aws.table import ConditionalTable
        from activation.ledger.unread import UnreadObjects

        from cli.letters import letters_of

        self._order(row, "discard")
        deleted = letters_of(self.found, row.connector).delete(lambda one: one.run_id == row.run_id)
        table = ConditionalTable(boto3.client("dynamodb"), self.found.ledger_table)
        UnreadObjects(table, ttl_days=0).discard(row.connector, row.run_id, self.by)
        return (
            "it is discarded, and its dead letter is deleted"
            if deleted
            else "it is discarded; it had no dead letter"
        )

    def _order(self, row: RunRow, kind: str) -> None:
        import boto3
        from activation.aws.table import ConditionalTable
        from activation.ledger.orders import OrderKind, Orders

        table = ConditionalTable(boto3.client("dynamodb"), self.found.ledger_table)
        Orders(table, row.connector).note(row.run_id, OrderKind(kind), self.by)

    def _has_message(self, row: RunRow) -> bool:
        """Return whether a run's message is in its record or among the dead letters."""
        from cli.letters import letters_of

        return bool(self._recorded(row)) or any(
            one.run_id == row.run_id for one in letters_of(self.found, row.connector).read()
        )

    def _continue(self, row: RunRow) -> bool:
        """Send a run's message at once: its dead letter, else the one in its record; return whether there is one.

        A copy of it may be queued with a delay: of two with one number, one is handled.
        """
        import boto3

        from cli import resend

        sqs, queues = boto3.client("sqs"), self.found.queues(row.connector)
        if row.state in CONTINUABLE and resend.bring_back(sqs, queues, row.run_id):
            return True
        return self._send_recorded(row)

    def repeat(self, row: RunRow) -> bool:
        """Have a run that left no dead letter continue; return whether its record has its message."""
        self._order(row, "retry")
        return self._send_recorded(row)

    def _send_recorded(self, row: RunRow) -> bool:
        """Send the message in a run's record at once; return whether there is one."""
        import boto3

        message = self._recorded(row)
        if message:
            queue_url = self.found.queues(row.connector).queue_url
            boto3.client("sqs").send_message(QueueUrl=queue_url, MessageBody=message)
        return bool(message)

    def _recorded(self, row: RunRow) -> str:
        """Return the message in a run's record, "" for none."""
        import boto3
        from activation.aws.table import read_text
        from activation.ledger.keys import run_key

        key: Any = {"pk": {"S": run_key(row.connector, row.run_id)}}
        answer = boto3.client("dynamodb").get_item(TableName=self.found.ledger_table, Key=key, ConsistentRead=True)
        return read_text(answer.get("Item", {}), "message")


def needs_new_drop(row: RunRow) -> bool:
    """Return whether a run has failed since its drop is wrong, so that it fails again if it is continued."""
    return row.state == "failed" and asks_for_new_drop(row.code)


def why_in_vain(row: RunRow) -> str:
    """Return a sentence that a run ends again if its cause is still there, "" where nobody has to remove one."""
    from cli.typed import typed

    if row.state not in CONTINUABLE or row.code in ORDERED or explain(row.code).who is Who.PLATFORM:
        return ""
    codes = typed("codes", row.code, sandbox=False)
    return f"Continuing cannot help until what `{codes}` says is done: the run would end with {row.code} again."


def caller() -> str:
    """Return who types, as AWS names them."""
    import boto3

    return boto3.client("sts").get_caller_identity()["Arn"]
