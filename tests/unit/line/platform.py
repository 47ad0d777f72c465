"""A small ad platform in memory, and the publisher that talks to it: what the line's tests send to."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import pyarrow.compute as pc
from activation.errors import Rejected
from activation.identifiers.emails import Email
from activation.identifiers.plain import Unchanged
from activation.identifiers.table import Digest, Field, FieldTable
from activation.model import Action, Audience
from activation.platforms.account import AccountKey, AdAccount
from activation.platforms.audience_options import description_option, id_option, shown_options
from activation.platforms.authentication import StaticToken
from activation.platforms.http import AnswerLost, NotSent
from activation.platforms.limits import Limits
from activation.platforms.options import BooleanOption, IntegerOption
from activation.platforms.outcome import Outcome, OutcomeKind, failure
from activation.platforms.platform import Examination, Finding, Loaded, Minimum, Platform
from activation.platforms.publisher import Closed, Opened, Verdict, await_new
from activation.platforms.rate import Rate, Scope, Tier
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch, Upload, distinct_lines

SOURCE = "https://platform.example/docs"
TABLE = FieldTable(
    platform="tiny",
    fields=(
        Field(
            "EMAIL",
            Email("an address"),
            Digest.SHA256_HEX,
            SOURCE,
            "2026-11-22",
            ("e-mail",),
            identifies=True,
            further=1,
        ),
        Field("ID", Unchanged(), Digest.PLAIN, SOURCE, "2026-11-22", ("customer_id",), blank_with_others=False),
        Field("SPARE", Email("a second address"), Digest.SHA256_HEX, SOURCE, "2026-11-22", identifies=True),
    ),
    singles=(("EMAIL_SHA256", "EMAIL"),),
)


BROKEN = Outcome(OutcomeKind.UNKNOWN, "broken", "nobody knows")
MEANINGS = {
    400: Outcome(OutcomeKind.REFUSED, "bad_request", "something is not good", platform_code="100"),
    401: Outcome(OutcomeKind.REFRESH_AUTH, "token_refused", "the token is not good"),
    403: Outcome(OutcomeKind.STOP, "terms", "the terms are not accepted"),
    404: Outcome(OutcomeKind.REJECTED, "audience_gone", "the audience is gone"),
    409: Outcome(OutcomeKind.RETRY, "busy", "the audience is busy"),
    410: Outcome(OutcomeKind.GONE, "uploads_gone", "what was uploaded is gone"),
    413: Outcome(OutcomeKind.TOO_LARGE, "too_large", "the request is too large"),
    418: Outcome(OutcomeKind.UNKNOWN, "odd", "an odd success", attempts_max=2),
    422: Outcome(OutcomeKind.REFUSED, "bad_member", "some member is not good", about_rows=True),
    429: Outcome(OutcomeKind.RETRY, "throttled", "slow down"),
    451: Outcome(OutcomeKind.REJECTED, "audience_would_be_too_small", "too few people would be left"),
    503: Outcome(OutcomeKind.RETRY, "unavailable", "the platform is down"),
}


def _good(body: Mapping[str, Any], after_s: float, reference: str) -> Outcome:
    refused = {int(index): "row_refused" for index in body.get("refused", [])}
    unnamed = int(body.get("unnamed", 0))
    return Outcome(
        OutcomeKind.PARTIAL if refused or unnamed else OutcomeKind.OK,
        after_s=after_s,
        reference=reference,
        refused=refused,
        refused_count=len(refused) + unnamed,
        value=Opened(body["created"], created=True) if "created" in body else body.get("value"),
    )


@dataclass(frozen=True)
class TinyPublisher:
    """The publisher of one account.

    `can_ask` says that the platform can be asked about a lost upload, `handles` that it wants uploads closed,
    `one_kind` that each upload carries one field's values once. `by_upload` says that the first upload creates the
    audience, `dependent` that the uploads of a batch are chained, `strict` that nothing is removed from an
    audience that is not there.
    """

    account: AdAccount
    can_ask: bool = False
    handles: bool = False
    one_kind: bool = False
    by_upload: bool = False
    dependent: bool = False
    strict: bool = False

    def planned(self, keys: tuple[str, ...]) -> Opened:
        """Return some audience."""
        return Opened("planned")

    def open(self, audience: Audience, keys: tuple[str, ...]) -> Generator[Request, Outcome, Opened]:
        """Look once, create once, and look again when the answer to a creation was lost."""
        if audience.options.audience_id:
            return Opened(audience.options.audience_id)
        found = yield from self._find(audience)
        if found:
            return Opened(found)
        if audience.action is Action.REMOVE and self.strict:
            raise Rejected("audience_missing", "there is no audience of this name to remove from")
        await_new(audience)
        if self.by_upload:
            return Opened("", by_upload=True, state={"name": audience.name})
        wanted = {"name": audience.name, "options": shown_options(audience.options)}
        outcome = yield self._request("create", "POST", "/audiences", wanted, repeatable=False)
        if outcome.kind is OutcomeKind.OK:
            return Opened(str(outcome.value), created=True)
        found = yield from self._find(audience)
        if not found:
            raise failure(outcome)
        return Opened(found)

    def reopen(
        self, audience: Audience, opened: Opened, keys: tuple[str, ...]
    ) -> Generator[Request, Outcome, Opened]:
        """Look again."""
        return (yield from self.open(audience, keys))

    def _find(self, audience: Audience) -> Generator[Request, Outcome, str]:
        outcome = yield self._request("find", "GET", "/audiences", {"name": audience.name})
        if outcome.kind is not OutcomeKind.OK:
            raise failure(outcome)
        return str(outcome.value or "")

    def uploads(self, batch: Batch) -> list[Upload]:
        """Keep rows with and without an ID apart; or send each field by itself."""
        names = batch.columns.schema.names
        if self.one_kind:
            found = [one for name in names if (one := distinct_lines(batch, name))]
            keys = ["", *(one.key for one in found)]
            return [replace(one, after=keys[at]) for at, one in enumerate(found)] if self.dependent else found
        if "ID" not in names:
            return [batch.upload()]
        with_id = pc.is_valid(batch.columns.column("ID"))
        masks = [mask for mask in (with_id, pc.invert(with_id)) if pc.any(mask).as_py()]
        return [batch.masked(str(place), mask) for place, mask in enumerate(masks)]

    def encode(self, upload: Upload, audience: Audience, opened: Opened) -> Request:
        """Write the lines as they are, with their upload's name."""
        body = {
            "audience": opened.audience_id,
            "batch": upload.identity,
            "action": audience.action,
            "members": [list(row.values()) for row in upload.columns.to_pylist()],
            **({"creates": opened.state["name"]} if opened.by_upload else {}),
            **({"earlier": list(upload.earlier)} if upload.earlier else {}),
        }
        return self._request("users", "POST", "/users", body, rows=upload.lines)

    def classify(self, request: Request, answer: Answer) -> Outcome:
        """Classify an answer by its status; the body is the platform's code."""
        body = json.loads(answer.body) if answer.body else {}
        after_s = float(answer.headers.get("retry-after", "0"))
        reference = answer.headers.get("x-reference", "")
        if answer.status == 200:
            return _good(body, after_s, reference)
        if answer.status == 422:
            named = {int(index): "bad_member" for index in body.get("bad", [])}
            return replace(MEANINGS[422], refused=named)
        return replace(MEANINGS.get(answer.status, BROKEN), after_s=after_s, reference=reference)

    def arrived(self, upload: Upload, audience: Audience, opened: Opened) -> Request | None:
        """Ask for the upload by its name, where the platform can be asked."""
        return self._request("arrived", "GET", "/arrived", {"batch": upload.identity}) if self.can_ask else None

    def close(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Finish the uploads where the platform wants to be told that everything is there."""
        if not self.handles:
            return Closed()
        outcome = yield self._request("close", "POST", "/close", {"handles": ",".join(handles)})
        if outcome.kind is OutcomeKind.GONE:
            return Closed(gone=outcome)
        if outcome.kind is not OutcomeKind.OK:
            raise failure(outcome)
        if outcome.value == "more":
            return Closed(unfinished=True, after_s=30, opened=Opened(opened.audience_id, state={"step": "2"}))
        return Closed(pending=outcome.value == "working", after_s=7200, notes={"closed": "yes"})

    def follow(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Ask whether the platform is done, and what it refused since."""
        outcome = yield self._request("follow", "GET", "/follow", {"audience": opened.audience_id})
        if outcome.kind is not OutcomeKind.OK:
            raise failure(outcome)
        said = outcome.value
        verdicts: tuple[Verdict, ...] = ()
        if isinstance(said, dict):
            verdicts = tuple(Verdict(handles[at], refused) for at, refused in enumerate(said["refused"]))
            said = said["state"]
        return Closed(pending=said == "working", after_s=7200, notes={"matched": "all"}, verdicts=verdicts)

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
        body = json.dumps(values).encode()
        return Request(call, method, f"{self.account.endpoint}{path}", {}, body, rows, repeatable)


def nothing_to_ask(_: Examination) -> Iterator[Finding]:
    """Find nothing."""
    yield from ()


def platform_of(limits: Limits, rate: Rate | None = None, **traits: bool) -> Platform:
    """Return the platform, with the publisher's traits."""
    return Platform(
        name="tiny",
        title="Tiny",
        limits=limits,
        rate=rate or Rate(Scope.ACCOUNT, {"any": Tier((), SOURCE, "2026-11-22")}),
        authentication=StaticToken(key="token"),
        account=AccountKey("account", r"\w+", "an account", "https://platform.example", prefix="act_"),
        minimum=Minimum(1, "one is enough"),
        calls={"users": "POST */users"},
        own_audience_options=(
            id_option("[a-z0-9]+", "small letters and digits"),
            description_option(),
            IntegerOption("retention_days", 1, 30, 0, "How long a person stays."),
            BooleanOption("value_based", False, "Every row needs an ID."),
        ),
        value_key="ID",
        load=lambda: Loaded(TABLE, lambda account: TinyPublisher(account, **traits), nothing_to_ask),
    )


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
