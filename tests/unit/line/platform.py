"""A small ad platform in memory, and the publisher that talks to it: what the line's tests send to."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from activation.model import Action
from activation.platforms.http import AnswerLost, NotSent
from activation.platforms.request import Answer, Request


@dataclass
class Fault:
    """What the platform does instead of answering well, `times` times after `skip` calls of the kind `call`.

    `status` answers without applying anything. `lost` breaks the connection "before" or "after" the call is
    applied, "unreached" before it is even sent. `act` is called first, whatever comes then.
    """

    call: str = "users"
    times: int = 1
    skip: int = 0
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: str = ""
    act: Callable[[], None] | None = None


class TinyPlatform:
    """What stands in for the platform's server: keeps members, obeys faults, counts what it applied.

    `latency_s` passes on `tick` with each call. `refuses` are member values for which it refuses a whole request,
    naming them where `names_bad` says so, or in words that may mean anything where `vague` does; `drops` are those
    it leaves out of an otherwise good one. `max_members` is what it accepts at once. A new audience is not listed
    for `hidden_s` seconds of `now`; `created_with` is what was said of the newest one. `members` counts what it
    was sent, `held` is what an audience holds then: a replacement counts when it is closed. `cells` are the
    identifiers that it holds, of whomever: a removal takes out every identifier in it. With `too_small` it removes
    nobody, since too few would be left.
    """

    def __init__(self, tick: Callable[[float], None], *, latency_s: float = 0.1) -> None:
        self.tick = tick
        self.latency_s = latency_s
        self.tokens = {"good"}
        self.refuses: set[str] = set()
        self.drops: set[str] = set()
        self.unnamed_drops = False
        self.max_members = 10**9
        self.faults: list[Fault] = []
        self.audiences: dict[str, str] = {}
        self.created = 0
        self.created_with: dict[str, Any] = {}
        self.hidden_s = 0.0
        self.now: Callable[[], float] = lambda: 0.0
        self.created_at: dict[str, float] = {}
        self.members: Counter[tuple[str | None, ...]] = Counter()
        self.held: set[tuple[str | None, ...]] = set()
        self.cells: set[str] = set()
        self.staged: dict[str, list[tuple[str | None, ...]]] = {}
        self.batches: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.returned: dict[str, str] = {}
        self.applied_rows: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.lost = 0
        self.closed: list[str] = []
        self.close_says: list[str] = []
        self.follow_says: list[Any] = []
        self.names_bad = self.vague = self.too_small = False
        self.earlier: list[list[str]] = []
        self.tells = True
        self.guard: Callable[[str], None] = lambda name: None
        self._lock = Lock()

    @property
    def resent(self) -> int:
        """How many batches were applied more than once, each repetition counted."""
        return sum(count - 1 for count in self.applied_rows.values())

    def send(self, request: Request, *, timeout_s: float) -> Answer:
        """Play the server's part."""
        self.guard(f"{request.call} begins")
        self.tick(self.latency_s)
        with self._lock:
            self.calls[request.call] += 1
            fault = self._fault(request.call)
        if fault is not None and fault.act is not None:
            fault.act()
        with self._lock:
            answer = self._answer(request, fault)
        self.guard(f"{request.call} ended")
        return answer

    def _answer(self, request: Request, fault: Fault | None) -> Answer:
        if fault is None:
            return self._apply(request)
        if fault.lost == "unreached":
            raise NotSent("refused")
        if fault.lost:
            self.lost += 1
            if fault.lost == "after":
                self._apply(request)
            raise AnswerLost("reset")
        return Answer(fault.status, dict(fault.headers), b"") if fault.status else self._apply(request)

    def _fault(self, call: str) -> Fault | None:
        for fault in self.faults:
            if fault.call == call and fault.times > 0:
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def _apply(self, request: Request) -> Answer:
        if request.headers["Authorization"].removeprefix("Bearer ") not in self.tokens:
            return Answer(401, {}, b"")
        body = json.loads(request.body)
        match request.call:
            case "find":
                listed = self.now() - self.created_at.get(body["name"], -self.hidden_s) >= self.hidden_s
                return _answer(value=self.audiences.get(body["name"], "") if listed else "")
            case "create":
                self.created += 1
                self.created_with, self.created_at[body["name"]] = body["options"], self.now()
                self.audiences[body["name"]] = f"a{self.created}"
                return _answer(value=self.audiences[body["name"]])
            case "users":
                return self._users(body)
            case "arrived":
                known = self.returned.get(body["batch"], False)
                return _answer(value=known if self.tells else None, unnamed=self.left_out[body["batch"]])
            case "close":
                self.closed.append(body["handles"])
                if staged := [self.staged[one] for one in body["handles"].split(",") if one in self.staged]:
                    self.held = {member for members in staged for member in members}
                    self.cells = {cell for member in self.held for cell in member if cell}
                return _answer(value=self.close_says.pop(0) if self.close_says else "done")
            case _:
                return _answer(value=self.follow_says.pop(0) if self.follow_says else "done")

    def _users(self, body: Mapping[str, Any]) -> Answer:
        members = [tuple(one) for one in body["members"]]
        if len(members) > self.max_members:
            return Answer(413, {}, b"")
        if self.too_small and body["action"] == Action.REMOVE:
            return Answer(451, {}, b"")
        if bad := [at for at, one in enumerate(members) if self.refuses.intersection(one)]:
            if self.vague:
                return Answer(400, {}, b"")
            return Answer(422, {}, json.dumps({"bad": bad if self.names_bad else []}).encode())
        if "creates" in body:
            self.created += 1
            self.audiences[body["creates"]] = f"a{self.created}"
        self.earlier.append(body.get("earlier", []))
        refused = [at for at, one in enumerate(members) if self.drops.intersection(one)]
        taken = [one for one in members if not self.drops.intersection(one)]
        self.batches[body["batch"]] += 1
        self.left_out[body["batch"]] = len(refused)
        self.returned[body["batch"]] = f"h{sum(self.batches.values())}"
        self.applied_rows[json.dumps(members)] += 1
        for one in taken:
            self.members[one] += -1 if body["action"] == Action.REMOVE else 1
        match body["action"]:
            case Action.ADD:
                self.held |= set(taken)
                self.cells |= {cell for member in taken for cell in member if cell}
            case Action.REMOVE:
                self.held -= set(taken)
                self.cells -= {cell for member in taken for cell in member if cell}
            case _:
                self.staged[self.returned[body["batch"]]] = taken
        if self.unnamed_drops:
            return _answer(unnamed=len(refused))
        if "creates" in body:
            return _answer(refused=refused, created=self.audiences[body["creates"]])
        return _answer(refused=refused, value=self.returned[body["batch"]])


def _answer(**body: object) -> Answer:
    return Answer(200, {"x-reference": f"ref-{sorted(body)}"}, json.dumps(body).encode())


def hashed(text: str) -> str:
    """Hash as the table does."""
    return hashlib.sha256(text.encode()).hexdigest()
