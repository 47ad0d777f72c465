"""A small ad platform in memory, and the publisher that talks to it: what the line's tests send to."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from activation.errors import ConfigError
from activation.http import AnswerLost, NotSent
from activation.identifiers.emails import Email
from activation.identifiers.plain import Unchanged
from activation.identifiers.table import Digest, Field, FieldTable
from activation.limits import Limits
from activation.model import Action, Audience
from activation.publisher import Answer, Batch, Closed, Kind, Opened, Outcome, Request, failure

SOURCE = "https://platform.example/docs"
TABLE = FieldTable(
    platform="tiny",
    fields=(
        Field("EMAIL", Email("an address"), Digest.SHA256_HEX, SOURCE, "2026-11-22", ("e-mail",), identifies=True),
        Field("ID", Unchanged(), Digest.PLAIN, SOURCE, "2026-11-22", ("customer_id",), blank_with_others=False),
        Field("SPARE", Email("a second address"), Digest.SHA256_HEX, SOURCE, "2026-11-22", identifies=True),
    ),
    singles=(("EMAIL_SHA256", "EMAIL"),),
)


@dataclass(frozen=True)
class TinyPublisher:
    """The publisher of one account.

    `can_ask` says that the platform can be asked about a lost batch, `handles` that it wants uploads closed.
    """

    account: str
    token: str
    limits: Limits
    can_ask: bool = False
    handles: bool = False
    platform: str = "tiny"
    table: FieldTable = TABLE

    def open(self, audience: Audience, keys: tuple[str, ...]) -> Generator[Request, Outcome, Opened]:
        """Look once, create once, and look again when the answer to a creation was lost."""
        found = yield from self._find(audience)
        if found:
            return Opened(found)
        outcome = yield self._request("create", "POST", "/audiences", {"name": audience.name}, repeatable=False)
        if outcome.kind is Kind.OK:
            return Opened(str(outcome.value), created=True)
        found = yield from self._find(audience)
        if not found:
            raise failure(outcome)
        return Opened(found)

    def _find(self, audience: Audience) -> Generator[Request, Outcome, str]:
        outcome = yield self._request("find", "GET", "/audiences", {"name": audience.name})
        if outcome.kind is not Kind.OK:
            raise failure(outcome)
        return str(outcome.value or "")

    def groups(self, columns: pa.RecordBatch) -> list[pa.Array]:
        """Keep rows with and without an ID apart."""
        if "ID" not in columns.schema.names:
            return [pa.repeat(pa.scalar(True), columns.num_rows)]
        with_id = pc.is_valid(columns.column(columns.schema.names.index("ID")))
        return [mask for mask in (with_id, pc.invert(with_id)) if pc.any(mask).as_py()]

    def encode(self, batch: Batch, audience: Audience, opened: Opened) -> Request:
        """Write the rows as they are, with their batch's name."""
        body = {
            "audience": opened.audience_id,
            "batch": batch.identity,
            "action": audience.action,
            "members": [list(row.values()) for row in batch.columns.to_pylist()],
        }
        return self._request("users", "POST", "/users", body, rows=batch.columns.num_rows)

    def classify(self, request: Request, answer: Answer) -> Outcome:
        """Say by the status what the answer means; the body is the platform's own word for it."""
        body = json.loads(answer.body) if answer.body else {}
        after_s = float(answer.headers.get("retry-after", "0"))
        reference = answer.headers.get("x-reference", "")
        match answer.status:
            case 200:
                refused = {int(index): "row_refused" for index in body.get("refused", [])}
                unnamed = int(body.get("unnamed", 0))
                kind = Kind.PARTIAL if refused or unnamed else Kind.OK
                return Outcome(
                    kind,
                    after_s=after_s,
                    reference=reference,
                    refused=refused,
                    refused_count=len(refused) + unnamed,
                    value=body.get("value"),
                )
            case 429:
                return Outcome(Kind.RETRY, "throttled", "slow down", after_s, reference=reference)
            case 409:
                return Outcome(Kind.RETRY, "busy", "the audience is busy", after_s)
            case 401:
                return Outcome(Kind.REFRESH_AUTH, "token_refused", "the token is not good")
            case 403:
                return Outcome(Kind.STOP, "terms", "the terms are not accepted")
            case 410:
                return Outcome(Kind.GONE, "uploads_gone", "what was uploaded is gone")
            case 404:
                return Outcome(Kind.REJECTED, "audience_gone", "the audience is gone")
            case 413:
                return Outcome(Kind.TOO_LARGE, "too_large", "the request is too large")
            case 422:
                return Outcome(Kind.REFUSED, "bad_member", "some member is not good")
            case 503:
                return Outcome(Kind.RETRY, "unavailable", "the platform is down", after_s)
            case _:
                return Outcome(Kind.UNKNOWN, "broken", "nobody knows")

    def arrived(self, batch: Batch, audience: Audience, opened: Opened) -> Request | None:
        """Ask for the batch by its name, where the platform can be asked."""
        return self._request("arrived", "GET", "/arrived", {"batch": batch.identity}) if self.can_ask else None

    def close(self, audience: Audience, opened: Opened, handles: list[str]) -> Generator[Request, Outcome, Closed]:
        """Tell the platform that everything is there, where it wants to be told."""
        if not self.handles:
            return Closed()
        outcome = yield self._request("close", "POST", "/close", {"handles": ",".join(handles)})
        if outcome.kind is Kind.GONE:
            return Closed(gone=outcome)
        if outcome.kind is not Kind.OK:
            raise failure(outcome)
        if outcome.value == "more":
            return Closed(unfinished=True, after_s=30, opened=Opened(opened.audience_id, state={"step": "2"}))
        return Closed(pending=outcome.value == "working", after_s=7200, notes={"closed": "yes"})

    def follow(self, audience: Audience, opened: Opened) -> Generator[Request, Outcome, Closed]:
        """Ask whether the platform is done."""
        outcome = yield self._request("follow", "GET", "/follow", {"audience": opened.audience_id})
        if outcome.kind is not Kind.OK:
            raise failure(outcome)
        return Closed(pending=outcome.value == "working", after_s=7200, notes={"matched": "all"})

    def _request(
        self,
        call: str,
        method: str,
        path: str,
        values: Mapping[str, object],
        *,
        rows: int = 0,
        repeatable: bool = True,
    ) -> Request:
        headers = {"authorization": f"Bearer {self.token}"}
        body = json.dumps(values).encode()
        return Request(call, method, f"https://platform.example{path}", headers, body, rows, repeatable)


def publisher_from(secret: Mapping[str, Any], limits: Limits, *, can_ask: bool, handles: bool) -> TinyPublisher:
    """Make the publisher from a secret with `token` and `account`."""
    if not secret.get("token") or not secret.get("account"):
        raise ConfigError("bad_secret", "token or account is missing in the connector's secret")
    return TinyPublisher(str(secret["account"]), str(secret["token"]), limits, can_ask=can_ask, handles=handles)


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
    `drops` those it leaves out of an otherwise good one. `max_members` is what it takes at once.
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
        self.members: Counter[tuple[str | None, ...]] = Counter()
        self.batches: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.applied_rows: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.lost = 0
        self.closed: list[str] = []
        self.close_says: list[str] = []
        self.follow_says: list[str] = []
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
        if request.headers["authorization"].removeprefix("Bearer ") not in self.tokens:
            return Answer(401, {}, b"")
        body = json.loads(request.body)
        match request.call:
            case "find":
                return _answer(value=self.audiences.get(body["name"], ""))
            case "create":
                self.created += 1
                self.audiences[body["name"]] = f"a{self.created}"
                return _answer(value=self.audiences[body["name"]])
            case "users":
                return self._users(body)
            case "arrived":
                known = body["batch"] in self.batches
                return _answer(value=known if self.tells else None, unnamed=self.left_out[body["batch"]])
            case "close":
                self.closed.append(body["handles"])
                return _answer(value=self.close_says.pop(0) if self.close_says else "done")
            case _:
                return _answer(value=self.follow_says.pop(0) if self.follow_says else "done")

    def _users(self, body: Mapping[str, Any]) -> Answer:
        members = [tuple(one) for one in body["members"]]
        if len(members) > self.max_members:
            return Answer(413, {}, b"")
        if any(self.refuses.intersection(one) for one in members):
            return Answer(422, {}, b"")
        refused = [at for at, one in enumerate(members) if self.drops.intersection(one)]
        taken = [one for one in members if not self.drops.intersection(one)]
        self.batches[body["batch"]] += 1
        self.left_out[body["batch"]] = len(refused)
        self.applied_rows[json.dumps(members)] += 1
        for one in taken:
            self.members[one] += -1 if body["action"] == Action.REMOVE else 1
        if self.unnamed_drops:
            return _answer(unnamed=len(refused))
        return _answer(refused=refused, value=f"h{sum(self.batches.values())}")


def _answer(**body: object) -> Answer:
    return Answer(200, {"x-reference": f"ref-{sorted(body)}"}, json.dumps(body).encode())


def hashed(text: str) -> str:
    """Hash as the table does."""
    return hashlib.sha256(text.encode()).hexdigest()
