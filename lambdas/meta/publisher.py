"""Meta custom audiences: found or created by name, filled by `/users`, replaced by `/usersreplace`."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc
from activation.errors import Rejected
from activation.model import Action, Audience, visible_name
from activation.platforms.account import AdAccount
from activation.platforms.outcome import Outcome, OutcomeKind, failure
from activation.platforms.publisher import Closed, Opened, await_new
from activation.platforms.request import Answer, Request, Stream
from activation.platforms.upload import Batch, Upload

from lambdas.meta import answers, existing, replacing
from lambdas.meta.calls import Calls, as_json
from lambdas.meta.fields import TABLE
from lambdas.meta.payload import payload
from lambdas.meta.reads import Listed, Page, SessionState

MAX_PAGES = 200  # an ad account has at most 500 such audiences: more pages mean a loop
CREATE_ATTEMPTS = 2
LARGEST_SESSION = 2**63 - 1


def _new_session() -> int:
    return secrets.randbelow(LARGEST_SESSION) + 1


@dataclass(frozen=True)
class MetaPublisher:
    """One ad account; its id comes without `act_`. `new_session` returns the id of a replace's session."""

    account: AdAccount
    new_session: Callable[[], int] = field(default=_new_session, repr=False)

    @property
    def calls(self) -> Calls:
        """Return the calls to the ad account's audiences."""
        return Calls(self.account)

    def planned(self, keys: tuple[str, ...]) -> Opened:
        """Return a stand-in for an existing audience."""
        return Opened("0")

    def open(self, audience: Audience, keys: tuple[str, ...]) -> Generator[Request, Outcome, Opened]:
        """Find the audience, or create it; for a replace, wait until Meta accepts one.

        Names are not unique at Meta. So if the answer to a creation is lost, the audience is looked up again
        before anything is created, and of several audiences the one with the smallest id is used, with a note. An
        audience of that very name comes before those that merely look the same, for which all names are read.
        Raises Rejected if members are to be removed from an audience that does not exist, and the error from
        `failure` if a call fails.
        """
        replaces = audience.action is Action.REPLACE
        if replaces:
            replacing.check_keys(keys)
        opened, status = yield from self._find_or_create(audience)
        return replacing.begin(opened, status, self.new_session()) if replaces else opened

    def reopen(
        self, audience: Audience, opened: Opened, keys: tuple[str, ...]
    ) -> Generator[Request, Outcome, Opened]:
        """Read how far a replace has come; look up the audience of any other drop again."""
        if audience.action is Action.REPLACE:
            return (yield from replacing.look_again(self.calls, opened))
        return (yield from self._find_or_create(audience))[0]

    def _find_or_create(self, audience: Audience) -> Generator[Request, Outcome, tuple[Opened, int]]:
        """Return the audience and its operation status, 0 for one that is new."""
        if audience.options.audience_id:
            return (yield from existing.by_id(self.calls, audience.options))
        opened, status = yield from self._by_name(audience)
        return (yield from existing.compare(self.calls, opened, audience.options)), status

    def _by_name(self, audience: Audience) -> Generator[Request, Outcome, tuple[Opened, int]]:
        notes: dict[str, str] = {}
        found = yield from self._find(audience.name, notes)
        if not found:
            found = yield from self._find(audience.name, notes, alike=True)
        if not found and audience.action is Action.REMOVE:
            raise Rejected(
                "audience_missing", "the ad account has no customer-file audience of this name to remove from"
            )
        if not found:
            await_new(audience)
        for attempt in range(CREATE_ATTEMPTS):
            if found:
                return _opened(found, notes)
            outcome = yield self.calls.create(audience.name, audience.options, again=attempt > 0)
            if outcome.kind is OutcomeKind.OK:
                return Opened(str(outcome.value), created=True, notes=notes), 0
            if outcome.kind is not OutcomeKind.UNKNOWN:
                raise failure(outcome)
            found = yield from self._find(audience.name, notes)
        if found:
            return _opened(found, notes)
        raise failure(outcome)

    def uploads(self, batch: Batch) -> list[Upload]:
        """Return one upload; two if only some rows fill a column that Meta refuses blank (EXTERN_ID)."""
        names = batch.columns.schema.names
        sides = [one.key for one in TABLE.fields if not one.blank_with_others and one.key in names]
        if not sides:
            return [batch.upload()]
        masks = [pa.repeat(pa.scalar(True), batch.columns.num_rows)]
        for key in sides:
            filled = pc.is_valid(batch.columns.column(key))
            masks = [pc.and_(mask, side) for mask in masks for side in (filled, pc.invert(filled))]
        masks = [mask for mask in masks if pc.any(mask).as_py()]
        if len(masks) == 1:
            return [batch.upload()]
        return [batch.masked(str(place), mask) for place, mask in enumerate(masks)]

    def encode(self, upload: Upload, audience: Audience, opened: Opened) -> Request:
        """Return the request of an upload: a session of its own, or a batch of the replace's."""
        if audience.action is Action.REPLACE and replacing.is_in_session(opened):
            return self._batch(upload, audience, opened)
        session = {
            "session_id": session_id(upload),
            "batch_seq": 1,
            "last_batch_flag": True,
            "estimated_num_total": upload.lines,
        }
        # A removal carries its members in a body, like an addition. Meta's own SDK puts them in the URL, which is
        # too short for 10,000 members, and the hashes of people would be in every access log on the way.
        method = "DELETE" if audience.action is Action.REMOVE else "POST"
        # Meta documents limited data use for people who are added.
        limited = None if audience.action is Action.REMOVE else audience.options.limited_data_use
        body = _body(payload(upload.columns, limited=limited), session)
        # Of the first upload the session is read at the end: of all of them would be a call for each.
        handle = str(session["session_id"]) if upload.first_row == 1 and not upload.round else ""
        return self.calls.users(method, opened.audience_id, body, upload.lines, handle=handle)

    def _batch(self, upload: Upload, audience: Audience, opened: Opened) -> Request:
        session = {
            "session_id": int(opened.state.get(replacing.SESSION, "1")),
            "batch_seq": 1 if opened.by_upload else max(2, upload.number),
            "last_batch_flag": upload.last,
        }
        limited = audience.options.limited_data_use
        body = _body(payload(upload.columns, keep_blank=True, limited=limited), session)
        return self.calls.replace(opened.audience_id, body, upload.lines, first=opened.by_upload, last=upload.last)

    def classify(self, request: Request, answer: Answer) -> Outcome:
        """Return what an answer means, by Meta's code and subcode."""
        return answers.classify(request, answer, account=self.account.account_id)

    def arrived(self, upload: Upload, audience: Audience, opened: Opened) -> Request | None:
        """Return the request for the upload's session: it has received rows exactly if the upload arrived.

        None in the session of a replace, which counts the rows of all its batches: a batch may be repeated, except
        for the first, for which `reopen` asks.
        """
        if audience.action is Action.REPLACE and replacing.is_in_session(opened):
            return None
        return self.calls.arrived(opened.audience_id, str(session_id(upload)), upload.lines)

    def close(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Read what Meta tells of the first session, for the receipt; wait until Meta has ended a replace."""
        closed = yield from self.follow(audience, opened, handles)
        if audience.action is Action.REPLACE or not handles:
            return closed
        outcome = yield self.calls.told(opened.audience_id, handles[0])
        notes = outcome.value.note("the first request") if isinstance(outcome.value, SessionState) else {}
        return replace(closed, notes={**closed.notes, **notes})

    def follow(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Poll a replace; of members Meta reports nothing more: it matches them within a day."""
        if audience.action is Action.REPLACE:
            return (yield from replacing.follow(self.calls, opened))
        return Closed()

    def _find(
        self, name: str, notes: dict[str, str], *, alike: bool = False
    ) -> Generator[Request, Outcome, list[Listed]]:
        """Read every page of the audiences with a name; a note tells of a retired API version.

        Meta filters by the name, and we compare exactly. With `alike` it lists all audiences, and we compare what
        people see: it is not documented that the filter finds decomposed letters, or spaces at the ends.
        """
        found: dict[str, Listed] = {}
        after = ""
        for _ in range(MAX_PAGES):
            outcome = yield self.calls.page("" if alike else name, after)
            if outcome.kind is not OutcomeKind.OK:
                raise failure(outcome)
            if outcome.code:
                notes[outcome.code] = outcome.reason
            page: Page = outcome.value
            found |= {
                one.audience_id: one
                for one in page.audiences
                if (visible_name(one.name) if alike else one.name, one.subtype) == (name, "CUSTOM")
            }
            if not page.after or page.after == after:
                break
            after = page.after
        return [found[one] for one in sorted(found, key=lambda one: (len(one), one))]


def session_id(upload: Upload) -> int:
    """Return the id of an upload's session: positive, 63 bits, the same whenever the same rows are sent again."""
    digest = hashlib.sha256(upload.identity.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1 or 1


def _opened(found: list[Listed], notes: Mapping[str, str]) -> tuple[Opened, int]:
    first = found[0]
    if len(found) > 1:
        note = f"{len(found)} audiences have this name; {first.audience_id}, the oldest, was used"
        notes = {**notes, "duplicate_audiences": note}
    return Opened(first.audience_id, notes=notes), first.status


def _body(rows: Sequence[bytes | memoryview], session: Mapping[str, object]) -> Stream:
    parts = (b'{"payload":', *rows, b',"session":', as_json(session), b"}")
    return Stream(sum(map(len, parts)), lambda: iter(parts))
