"""What can be done from a page: its words, and which of it a run offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cli.runs.view import RunView

APPROVE, REDRIVE = "approve", "redrive"


@dataclass(frozen=True)
class ActionText:
    """An action's words: `label` on its button, and the `question` before it, with the subject in braces.

    `of_run` says whether its subject is a run's id; else it is a connector's name.
    """

    label: str
    question: str
    of_run: bool


ACTIONS: Mapping[str, ActionText] = {
    APPROVE: ActionText(
        "Approve",
        "The run goes on and changes the audience as its page says. The approval holds for seven days and for this"
        " run alone, and the receipt keeps who gave it.",
        of_run=True,
    ),
    REDRIVE: ActionText(
        "Redrive",
        "Every dead letter of {subject} goes back to its queue, and each run resumes where it stopped. Remove the"
        " cause first: a letter whose cause is still there comes back, and is announced again.",
        of_run=False,
    ),
}


def offered(run: RunView) -> Iterator[tuple[str, str, ActionText]]:
    """Yield the actions that a run's state allows: name, subject and words."""
    reason: Mapping[str, Any] = run.receipt["reason"] or {}
    if reason.get("code") == "needs_approval":
        yield APPROVE, run.row.run_id, ACTIONS[APPROVE]
    elif run.row.state in ("failed", "blocked"):
        yield REDRIVE, run.row.connector, ACTIONS[REDRIVE]
