"""A console over invented runs: the real pages, served on a real port."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import requests
import uvicorn
from activation.ledger.audiences import EstimatedSize
from activation.platforms.platform import Finding
from activation.report.places import Places
from activation.report.undone import Undo

from cli.console.app import application
from cli.console.guard import Guard
from cli.console.letters import LetterGroup
from cli.console.source import ConsoleSource, QueueView, RefusedError, UnreadFile, Whose
from cli.known_audiences import KnownAudience
from cli.runs.asked import Asked
from cli.runs.listing import Wanted
from cli.runs.rows import RunRow
from cli.runs.undone import Undos
from cli.runs.view import RunView
from tests.unit.report.test_page import MISLEADING, receipt_of

NOW = 1_796_030_000.0  # 2026-11-30
KEY = "the key of the tests"
APPLIED, BLOCKED, RUNNING, ENDED = "a1" * 32, "b2" * 32, "c3" * 32, "d4" * 32
APPROVAL = {
    "code": "needs_approval",
    "sentence": "4,000 of 5,000 would leave; `activation audiences approve abcdef` sends it; the key is"
    " <connector>/<audience>/<identifiers>[/<action>]/<file>",
}


def row(run_id: str, state: str, **more: Any) -> RunRow:
    """Return a run of a list."""
    ended = None if state in ("running", "waiting", "accepted") else NOW - 3_000
    whole = RunRow(
        run_id, "meta", "VIP customers", "add", "meta/VIP customers/raw/people.csv", state, NOW - 3_600,
        25_000, 25_000, 24_861, 139, 1_250.0, ended, None, "", "",
    )  # fmt: skip
    return replace(whole, **more)


@dataclass
class FakeSource:
    """Three runs, an audience, a queue with letters and a platform that warns; notes what is asked of it."""

    rows: list[RunRow] = field(
        default_factory=lambda: [
            row(
                RUNNING, "running", rows_whole=None, rows_read=12_000, rows_acknowledged=11_900, rows_rejected=100
            ),
            row(BLOCKED, "blocked", audience="Mirror", action="mirror", **APPROVAL),
            row(APPLIED, "applied", audience=MISLEADING),
            row(ENDED, "failed", audience="Discarded", code="discarded", sentence="Bob has discarded it."),
        ]
    )
    wanted: list[Wanted] = field(default_factory=list)
    done: list[tuple[str, str]] = field(default_factory=list)
    fails: Exception | None = None
    undone: list[Undo] = field(default_factory=list)
    examined: int = 0
    no_undo: str = ""
    whose: Whose = field(
        default_factory=lambda: Whose("activation", "Account 1, eu-west-1", "arn:aws:iam::1:user/ann")
    )
    connectors: Mapping[str, str] = field(default_factory=lambda: {"meta": "meta", "tiktok": "tiktok"})

    def runs(self, wanted: Wanted, limit: int) -> Sequence[RunRow]:
        """Return those of the state and the audience that is wanted."""
        self.wanted.append(wanted)
        if self.fails:
            raise self.fails
        found = [one for one in self.rows if not wanted.states or one.state in wanted.states]
        return [one for one in found if wanted.audience in ("", one.audience)][:limit]

    def asked(self, rows: Sequence[RunRow]) -> Mapping[str, Sequence[Asked]]:
        """Return who has discarded a run."""
        by = Asked("discard", "arn:aws:sts::1:assumed-role/Operators/bob", NOW)
        return {one.run_id: (by,) for one in rows if one.code == "discarded"}

    def undos(self, rows: Sequence[RunRow]) -> Undos:
        """Return the undos that were begun."""
        return Undos({one.undoes: one for one in self.undone}, {one.run_id: one for one in self.undone})

    def run(self, run_id: str) -> RunView:
        """Return a run with a receipt of its own state."""
        of = next((one for one in self.rows if one.run_id == run_id), None)
        if of is None:
            raise RefusedError("there is no run with this id")
        rejects = f"receipts/meta/{of.audience}/{run_id}.rejects.csv"
        more: dict[str, Any] = {
            "rejects_key": rejects,
            "reason": {"code": of.code, "sentence": of.sentence} if of.code else None,
            "run_id": run_id,
            "state": of.state,
        }
        if of.state == "running":
            counts = {"acknowledged": of.rows_acknowledged, "rejected_by_us": 97, "rejected_by_platform": 3}
            more |= {"rows": {"in": None, "read": of.rows_read, **counts}, "final": False}
        if of.code == "discarded":
            order = {"kind": "discard", "by": "arn:aws:iam::1:user/bob", "at": "2026-11-29T10:00:30.000+00:00"}
            more |= {"orders": [order]}
        warning = {"code": "phones_without_country_code", "sentence": "Half of the phone numbers have no country."}
        audience = {"name": of.audience, "id": "1", "created": True}
        undos = self.undos(self.rows)
        undone_by, undo = undos.of.get(run_id), undos.by.get(run_id)
        more |= {"undone_by": undone_by.data} if undone_by else {}
        receipt = receipt_of(audience=audience, warnings=[warning], **more)
        return RunView(of, receipt, undone_by, undo)

    def places(self, run: RunView) -> Places:
        """Return a few places."""
        return {"not_an_email": ["row 7, email", "row 9, email"]}

    def audiences(self) -> Sequence[KnownAudience]:
        """Return one that grew, one that is too small, and some whose size no examination has noted."""
        grew = [f"2026-11-{day:02d} {1_000 * day} {1_100 * day}" for day in range(10, 29)]
        return [
            _audience("VIP customers", grew),
            _audience(MISLEADING, ["2026-11-28 20 20"]),
            _audience("New", []),
            _audience("Tiny", [], no_size_on={"S": "2026-11-30"}),
            replace(
                _audience("Matched", []), platform="tiktok", matched=EstimatedSize("2026-11-30", 1_900, 1_900)
            ),
            replace(_audience("Unmatched", []), platform="tiktok"),
        ]

    def findings(self) -> Mapping[str, Sequence[Finding]]:
        """Return one finding of each grade."""
        self.examined += 1
        return {
            "meta": [
                Finding("secret", True, "has access_token"),
                Finding("token", True, "ends in 5 days: write a new one", warns=True),
                Finding("api version", False, "v26.0 ended on 2026-11-01"),
            ],
            "app": [Finding("alarms", True, "somebody is told")],
        }

    def queues(self) -> Sequence[QueueView]:
        """Return one queue with letters, and an empty one."""
        letters = (LetterGroup("needs_approval", 3, APPROVAL["sentence"], (BLOCKED,), NOW - 86_400),)
        return [QueueView("meta", 1_200, 4, 2, 3, 1, letters), QueueView("tiktok", 0, 0, 0, 0, 0, ())]

    def unread_files(self) -> Sequence[UnreadFile]:
        """Return a stray."""
        return [UnreadFile("", f"metta/{MISLEADING}.csv", "unknown_connector", "No such.", "2026-11-29 03:00:00")]

    def why_no_undo(self, run: RunView) -> str:
        """Return what was set."""
        return self.no_undo

    def foresee(self, action: str, subject: str) -> str:
        """Refuse an undo of a mirror, and say of one of another whom it takes out."""
        if action != "undo":
            return ""
        if self.run(subject).row.action == "mirror":
            raise RefusedError("it is a mirror")
        return "24,861 rows of people leave."

    def act(self, action: str, subject: str) -> str:
        """Note the action."""
        self.done.append((action, subject))
        return f"{action} was done"


def _audience(name: str, sizes: list[str], **more: Any) -> KnownAudience:
    record = {
        "audience": {"S": name},
        "connector": {"S": "meta"},
        "last_run": {"S": APPLIED},
        "last_written_at": {"N": str(NOW - 3_000)},
        "estimated_sizes": {"L": [{"S": one} for one in sizes]},
        **more,
    }
    return KnownAudience("meta", "act_1", name, record)


@dataclass(frozen=True)
class Served:
    """A console that is being served: its address, what guards it, and what it shows."""

    url: str
    guard: Guard
    source: ConsoleSource

    def session(self) -> requests.Session:
        """Return a browser that has come by the entrance."""
        session = requests.Session()
        assert session.get(self.guard.entrance, timeout=30).url == f"{self.url}/"
        return session


@contextmanager
def served(source: ConsoleSource, clock: Any = lambda: NOW) -> Iterator[Served]:
    """Serve the console over a source on a free port while the block runs."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        guard = application(source, port=port, key=KEY, clock=clock)
        server = uvicorn.Server(uvicorn.Config(guard, log_level="warning", ws="none", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield Served(f"http://127.0.0.1:{port}", guard, source)
        finally:
            server.should_exit = True
            thread.join(timeout=10)
