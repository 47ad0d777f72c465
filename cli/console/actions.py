"""What can be done from a page: its words, and which of it a run offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from activation.ledger.orders import DISCARDED

from cli.runs.actions import CONTINUABLE, DISCARDABLE, STOPPABLE, needs_new_drop
from cli.runs.undoing import REFUSED

if TYPE_CHECKING:
    from cli.runs.view import RunView


class ActionName(StrEnum):
    """What can be done."""

    APPROVE = "approve"
    RETRY = "retry"
    STOP = "stop"
    DISCARD = "discard"
    UNDO = "undo"
    REDRIVE = "redrive"


@dataclass(frozen=True)
class ActionText:
    """An action's words: `label` on its button, and the `question` before it, with the subject in braces.

    `of_run` says whether its subject is a run's id; else it is a connector's name.
    """

    label: str
    question: str
    of_run: bool = True


ACTIONS: Mapping[ActionName, ActionText] = {
    ActionName.APPROVE: ActionText(
        "Approve",
        "The run goes on and changes the audience as its page says. The approval holds for seven days and for this"
        " run alone, and the receipt keeps who gave it.",
    ),
    ActionName.RETRY: ActionText(
        "Continue",
        "The run continues where it ended; what was acknowledged is not sent again. Remove the cause first: a run"
        " whose cause is still there ends again.",
    ),
    ActionName.STOP: ActionText(
        "Stop",
        "Nothing more is sent after the requests in flight. What was acknowledged stays in the audience and in the"
        " receipt. The run can be continued; until then a replace or a mirror may leave its audience incomplete.",
    ),
    ActionName.DISCARD: ActionText(
        "Discard", "The run's message and its audience's lock end. It cannot be continued then."
    ),
    ActionName.UNDO: ActionText(
        "Undo", "The people that the run has added leave the audience, by a run of its own with its own receipt."
    ),
    ActionName.REDRIVE: ActionText(
        "Redrive",
        "Every dead letter of {subject} goes back to its queue, and each run resumes where it stopped. Remove the"
        " cause first: a letter whose cause is still there comes back, and is announced again.",
        of_run=False,
    ),
}


def offered(run: RunView) -> Iterator[tuple[ActionName, str, ActionText]]:
    """Yield the actions that a run's state allows: name, subject and words.

    An undo is offered wherever the run has added people; whether its drop is there has to be looked for.
    """
    for name in _names(run):
        yield name, run.row.run_id, ACTIONS[name]


def _names(run: RunView) -> Iterator[ActionName]:
    reason: Mapping[str, Any] = run.receipt["reason"] or {}
    state = run.row.state
    if reason.get("code") == "needs_approval":
        yield ActionName.APPROVE
    elif state in CONTINUABLE and run.row.code != DISCARDED and not needs_new_drop(run.row):
        yield ActionName.RETRY
    if state in STOPPABLE:
        yield ActionName.STOP
    if state in DISCARDABLE and run.row.code != DISCARDED:
        yield ActionName.DISCARD
    added = not run.is_open and run.row.action == "add" and run.row.rows_acknowledged
    is_undone = run.undone_by is not None and run.undone_by.code != REFUSED
    if added and not is_undone and "in_doubt" not in run.receipt:
        yield ActionName.UNDO
