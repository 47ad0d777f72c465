"""The publisher of a small ad platform: what the line's tests send with."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
