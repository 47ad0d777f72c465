"""Letting a run that waits for an approval go on, for the command and the console alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cli.deployment import Deployment


class NotApprovedError(Exception):
    """An approval that is not given or has no effect; `sentence` says why, and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def approve_run(found: Deployment, receipt: dict[str, Any], by: str) -> str:
    """Approve the run of a receipt and send its message again; return in words what it does next.

    `by` is the ARN of who approves. Raises NotApprovedError, and what AWS's clients raise.
    """
    import boto3
    from activation.aws.table import ConditionalTable
    from activation.ledger.approvals import Approvals

    from cli import resend
    from cli.printable import printable

    reason = receipt["reason"]
    if (reason or {}).get("code") != "needs_approval":
        why = printable(f" ({reason['code']}: {reason['sentence']})") if reason else ""
        raise NotApprovedError(f"run {receipt['run_id']} waits for no approval: it is {receipt['state']}{why}")
    connector, run_id = receipt["connector"], receipt["run_id"]
    table = ConditionalTable(boto3.client("dynamodb"), found.ledger_table)
    Approvals(table, connector).note(run_id, by)
    if not resend.bring_back(boto3.client("sqs"), found.queues(connector), run_id):
        raise NotApprovedError(
            f"approved, but the run's message was not found among the dead letters of {connector}: if nobody has"
            f" redriven it, drop the export again"
        )
    return f"approved: {_next(receipt.get('mirror'))}"


def _next(mirror: dict[str, Any] | None) -> str:
    """Return what a run that was approved does next, by what its receipt says that it would do."""
    if mirror is None:
        return "the run goes on"
    how = "replaces the audience" if mirror["mode"] == "replace" else "changes the audience by the difference"
    return (
        f"the run {how} within minutes: {mirror['left']:,} rows leave, {mirror['joined']:,} join, and"
        f" the audience will have {mirror['size'] or 0:,} rows instead of {mirror['size_before']:,}"
    )
