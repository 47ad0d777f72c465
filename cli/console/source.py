"""What the console's pages show, wherever it comes from: a Protocol, so that pages are tested without AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from activation.platforms.platform import Finding
    from activation.report.places import Places

    from cli.console.actions import ActionName
    from cli.console.letters import LetterGroup
    from cli.known_audiences import KnownAudience
    from cli.runs.asked import Asked
    from cli.runs.listing import Wanted
    from cli.runs.rows import RunRow
    from cli.runs.undone import Undos
    from cli.runs.view import RunView


class RefusedError(Exception):
    """Something that was asked for cannot be done; `sentence` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class Whose:
    """Whose app the pages show: its name, where it runs, and who looks, as AWS names them."""

    app: str
    place: str
    caller: str


@dataclass(frozen=True)
class QueueView:
    """How many messages a connector's queues have; `letters` are the dead ones, by their codes."""

    connector: str
    waiting: int
    in_work: int
    delayed: int
    dead: int
    undelivered: int
    letters: tuple[LetterGroup, ...]


@dataclass(frozen=True)
class UnreadFile:
    """A file that no run reads. `found_at` is when it came or was noted, as ISO 8601 in UTC; `why` a sentence.

    `run_id` is that of its page, "" where it has none.
    """

    connector: str
    key: str
    code: str
    why: str
    found_at: str
    run_id: str = ""


class ConsoleSource(Protocol):
    """The app as the console sees it. Every method may raise botocore's errors, and RefusedError."""

    @property
    def whose(self) -> Whose:
        """Return whose app it is."""
        ...

    @property
    def connectors(self) -> Mapping[str, str]:
        """Return the connectors' platforms by the connectors' names."""
        ...

    def runs(self, wanted: Wanted, limit: int) -> Sequence[RunRow]:
        """Return the newest runs that are wanted, the newest first."""
        ...

    def asked(self, rows: Sequence[RunRow]) -> Mapping[str, Sequence[Asked]]:
        """Return who has asked what of runs, by their ids, the oldest first."""
        ...

    def undos(self, rows: Sequence[RunRow]) -> Undos:
        """Return the undos of runs, and those among them."""
        ...

    def run(self, run_id: str) -> RunView:
        """Return one run; raises RefusedError where there is none."""
        ...

    def places(self, run: RunView) -> Places:
        """Return the first positions of a run's rejected rows, by code."""
        ...

    def audiences(self) -> Sequence[KnownAudience]:
        """Return every audience that was ever written to."""
        ...

    def findings(self) -> Mapping[str, Sequence[Finding]]:
        """Examine every connector, which asks the platforms, and return what was found; `app` is the whole app."""
        ...

    def queues(self) -> Sequence[QueueView]:
        """Return the queues of every connector, and those of suppression lists where there are any."""
        ...

    def unread_files(self) -> Sequence[UnreadFile]:
        """Return the files that no run reads, which takes some seconds: buckets are compared with the ledger."""
        ...

    def why_no_undo(self, run: RunView) -> str:
        """Return why a run that has added people cannot be undone, by its receipt and drop; "" where it may be."""
        ...

    def foresee(self, action: ActionName, subject: str) -> str:
        """Return what is known beforehand of an action, "" for nothing; raises RefusedError if it is refused."""
        ...

    def act(self, action: ActionName, subject: str) -> str:
        """Do an action that was confirmed, and return what was done in a sentence; raises RefusedError."""
        ...
