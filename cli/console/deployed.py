"""The console's source over the deployed app, with the AWS rights of who started the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from cli import operate, resend
from cli.approval import NotApprovedError, approve_run
from cli.console.actions import ActionName
from cli.console.letters import by_code
from cli.console.source import QueueView, RefusedError, UnreadFile, Whose
from cli.console.unread import unread_files
from cli.examined import examine
from cli.known_audiences import known_audiences
from cli.letters import DeadLetters
from cli.matched import with_matched
from cli.printable import counted
from cli.runs.actions import RefusedActionError, RunActions, caller, why_in_vain
from cli.runs.asked import Asked, asked_of
from cli.runs.listing import Wanted, list_runs
from cli.runs.undoing import prepare, refuse
from cli.runs.undone import Undos, undos_among
from cli.runs.view import RunView, UnknownRunError, show_run
from stacks.names import SUPPRESSIONS

if TYPE_CHECKING:
    from activation.platforms.platform import Finding
    from activation.report.places import Places
    from mypy_boto3_sqs.literals import QueueAttributeNameType

    from cli.deployment import Deployment
    from cli.known_audiences import KnownAudience
    from cli.runs.rows import RunRow
    from lambdas.doctor.addresses import LineQueues

COUNTS: tuple[QueueAttributeNameType, ...] = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
NOT_ALLOWED = ("AccessDenied", "AccessDeniedException")
LETTERS_READ = 500  # of a connector's dead letters, ten in a call: a page must not take minutes


@dataclass(frozen=True)
class DeployedSource:
    """The app that was `found`, whose name is `app`."""

    found: Deployment
    app: str

    @cached_property
    def whose(self) -> Whose:
        """Return whose app it is; AWS is asked once."""
        _, _, _, region, account, *_ = self.found.archive_arn.split(":")
        return Whose(self.app, f"Account {account}, {region}", caller())

    @property
    def connectors(self) -> Mapping[str, str]:
        """Return the platforms of the connectors, and of suppression lists, which have queues as well, ""."""
        lists = {SUPPRESSIONS: ""} if self.found.lists else {}
        return {**{name: self.found.platforms.get(name, "") for name in self.found.connectors}, **lists}

    def runs(self, wanted: Wanted, limit: int) -> Sequence[RunRow]:
        """Return the newest runs that are wanted."""
        return list_runs(boto3.client("dynamodb"), self.found.ledger_table, wanted, limit=limit)

    def asked(self, rows: Sequence[RunRow]) -> Mapping[str, Sequence[Asked]]:
        """Return who has asked what of runs."""
        return asked_of(boto3.client("dynamodb"), self.found.ledger_table, rows)

    def undos(self, rows: Sequence[RunRow]) -> Undos:
        """Return the undos of runs, and those among them."""
        return undos_among(boto3.client("dynamodb"), self.found.ledger_table, rows)

    def run(self, run_id: str) -> RunView:
        """Return one run."""
        try:
            return show_run(self.found, run_id)
        except UnknownRunError:
            raise RefusedError("no run has this id: the ledger has forgotten it") from None

    def places(self, run: RunView) -> Places:
        """Return the first positions of a run's rejected rows, by code."""
        from activation.report.places import first_places

        return first_places(boto3.client("s3"), self.found.receipts_bucket, run.receipt.get("rejects_key"))

    def audiences(self) -> Sequence[KnownAudience]:
        """Return every audience that was ever written to."""
        known = known_audiences(self.found.ledger_table)
        return with_matched(boto3.client("s3"), self.found.receipts_bucket, known)

    def findings(self) -> Mapping[str, Sequence[Finding]]:
        """Examine every connector and the app."""
        found: dict[str, list[Finding]] = {}
        for name, one in examine(self.found):
            found.setdefault(name, []).append(one)
        return found

    def queues(self) -> Sequence[QueueView]:
        """Return the queues of connectors and suppression lists."""
        return [self._queue(name, self.found.queues(name)) for name in sorted(self.connectors)]

    def _queue(self, name: str, queues: LineQueues) -> QueueView:
        sqs = boto3.client("sqs")

        def counts(url: str) -> list[int]:
            told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=COUNTS)["Attributes"]
            return [int(told[one]) for one in COUNTS]

        waiting, in_work, delayed = counts(queues.queue_url)
        dead, undelivered = sum(counts(queues.dead_letter_queue_url)), sum(counts(queues.undelivered_queue_url))
        of_dead = DeadLetters(sqs, queues.dead_letter_queue_url, queues.queue_url)
        letters = of_dead.read(LETTERS_READ) if dead else ()
        return QueueView(name, waiting, in_work, delayed, max(dead, len(letters)), undelivered, by_code(letters))

    def unread_files(self) -> Sequence[UnreadFile]:
        """Return the files that no run reads."""
        return unread_files(self.found)

    def why_no_undo(self, run: RunView) -> str:
        """Return why a run cannot be undone; "" too for who may not list drops, and is told when asking for it."""
        try:
            refuse(self.found, run)
        except RefusedActionError as refused:
            return refused.sentence
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOT_ALLOWED:
                raise
        return ""

    def foresee(self, action: ActionName, subject: str) -> str:
        """Return whom an undo takes out, or why continuing a run does not help; "" of any other action."""
        if action is ActionName.RETRY:
            return why_in_vain(self.run(subject).row)
        if action is not ActionName.UNDO:
            return ""
        try:
            prepared = prepare(self.found, self.run(subject))
        except RefusedActionError as refused:
            raise RefusedError(f"The run cannot be undone: {refused.sentence}.") from None
        leave = f"Up to {counted(prepared.rows, 'row')} of people leave."
        if prepared.too_few:
            leave += f" {prepared.too_few[0].upper()}{prepared.too_few[1:]}."
        return " ".join((leave, *(f"{one[0].upper()}{one[1:]}." for one in prepared.sentences())))

    def act(self, action: ActionName, subject: str) -> str:
        """Do an action that was confirmed."""
        if action is ActionName.REDRIVE:
            return self._redrive(subject)
        try:
            return self._act_on_run(action, self.run(subject))
        except (NotApprovedError, RefusedActionError) as error:
            raise RefusedError(f"{action}: {error.sentence}") from None

    def _act_on_run(self, action: ActionName, run: RunView) -> str:
        by = caller()
        acts = RunActions(self.found, by)
        if action is ActionName.APPROVE:
            return approve_run(self.found, run.receipt, by)
        if action is ActionName.UNDO:
            return f"run {prepare(self.found, run).begin(self.found, by)} removes the people"
        if action is ActionName.STOP:
            return acts.stop(run.row)
        return acts.retry(run.row) if action is ActionName.RETRY else acts.discard(run.row)

    def _redrive(self, connector: str) -> str:
        queues, sqs = self.found.queues(connector), boto3.client("sqs")
        delivered = resend.deliver(sqs, queues.undelivered_queue_url, queues.queue_url)
        operate.start_move(sqs, queues.dead_letter_queue_url, queues.queue_url)
        again = f"; {counted(delivered, 'undelivered event')} came back, too" if delivered else ""
        return f"the dead letters of {connector} are moving back to their queue{again}"
