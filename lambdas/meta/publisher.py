"""Meta custom audiences: found or created by name, filled by `/users` in sessions of one request each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.compute as pc
from activation.errors import Rejected
from activation.model import Action, Audience, visible_name
from activation.platforms.account import AdAccount
from activation.platforms.outcome import Outcome, OutcomeKind, failure
from activation.platforms.publisher import Closed, Opened
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch, Upload

from lambdas.meta import answers
from lambdas.meta.fields import TABLE
from lambdas.meta.payload import payload
from lambdas.meta.platform import API_VERSION

# The page size Meta's guide recommends; a larger one can be answered with code 1, "reduce the amount of data".
PAGE_SIZE = 20
MAX_PAGES = 200  # an ad account has at most 500 such audiences: more pages mean a loop
CREATE_ATTEMPTS = 2


@dataclass(frozen=True)
class MetaPublisher:
    """One ad account; its id comes without `act_`."""

    account: AdAccount

    def planned(self, keys: tuple[str, ...]) -> Opened:
        """Return a stand-in for an existing audience."""
        return Opened("0")

    def open(self, audience: Audience, keys: tuple[str, ...]) -> Generator[Request, Outcome, Opened]:
        """Find the audience, or create it.

        Names are not unique at Meta. So if the answer to a creation is lost, the audience is looked up again
        before anything is created, and of several audiences the one with the smallest id is used, with a note. An
        audience of that very name comes before those that merely look the same, for which all names are read.
        Raises Rejected if members are to be removed from an audience that does not exist, and the error from
        `failure` if a call fails.
        """
        notes: dict[str, str] = {}
        found = yield from self._find(audience.name, notes)
        if not found:
            found = yield from self._find(audience.name, notes, alike=True)
        if not found and audience.action is Action.REMOVE:
            raise Rejected(
                "audience_missing", "the ad account has no customer-file audience of this name to remove from"
            )
        for attempt in range(CREATE_ATTEMPTS):
            if found:
                return _opened(found, notes)
            outcome = yield self._create(audience.name, again=attempt > 0)
            if outcome.kind is OutcomeKind.OK:
                return Opened(str(outcome.value), created=True, notes=notes)
            if outcome.kind is not OutcomeKind.UNKNOWN:
                raise failure(outcome)
            found = yield from self._find(audience.name, notes)
        if found:
            return _opened(found, notes)
        raise failure(outcome)

    def uploads(self, batch: Batch) -> list[Upload]:
        """Return one upload; two if only some rows fill a column that Meta refuses blank (EXTERN_ID)."""
        masks = [pa.repeat(pa.scalar(True), batch.columns.num_rows)]
        names = batch.columns.schema.names
        sides = [one.key for one in TABLE.fields if not one.blank_with_others and one.key in names]
        for key in sides:
            filled = pc.is_valid(batch.columns.column(key))
            masks = [pc.and_(mask, side) for mask in masks for side in (filled, pc.invert(filled))]
        masks = [mask for mask in masks if pc.any(mask).as_py()]
        if len(masks) == 1:
            return [batch.upload()]
        return [batch.masked(str(place), mask) for place, mask in enumerate(masks)]

    def encode(self, upload: Upload, audience: Audience, opened: Opened) -> Request:
        """Return the request of an upload: a session of its own, of which this is the first and last request."""
        session = {
            "session_id": session_id(upload),
            "batch_seq": 1,
            "last_batch_flag": True,
            "estimated_num_total": upload.lines,
        }
        body = b"".join((b'{"payload":', *payload(upload.whole), b',"session":', _json(session), b"}"))
        # A removal carries its members in a body, like an addition. Meta's own SDK puts them in the URL, which is
        # too short for 10,000 members, and the hashes of people would be in every access log on the way.
        method = "DELETE" if audience.action is Action.REMOVE else "POST"
        return self._request("users", method, f"{opened.audience_id}/users", body=body, rows=upload.lines)

    def classify(self, request: Request, answer: Answer) -> Outcome:
        """Return what an answer means, by Meta's code and subcode."""
        return answers.classify(request, answer, account=self.account.account_id)

    def arrived(self, upload: Upload, audience: Audience, opened: Opened) -> Request | None:
        """Return the request for the upload's session: it has received rows exactly if the upload arrived."""
        asked = str(session_id(upload))
        fields = "session_id,stage,num_received,num_invalid_entries"
        question = self._get("arrived", f"{opened.audience_id}/sessions", session_id=asked, fields=fields)
        return replace(question, context=f"{asked} {upload.lines}")

    def close(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Return at once: every session ended with its only request."""
        yield from ()
        return Closed()

    def follow(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Return at once: Meta matches members within a day and reports nothing more about them."""
        yield from ()
        return Closed()

    def _find(
        self, name: str, notes: dict[str, str], *, alike: bool = False
    ) -> Generator[Request, Outcome, list[str]]:
        """Read every page of the audiences with a name; a note tells of a retired API version.

        Meta filters by the name, and we compare exactly. With `alike` it lists all audiences, and we compare what
        people see: it is not documented that the filter finds decomposed letters, or spaces at the ends.
        """
        found: list[str] = []
        after = ""
        for _ in range(MAX_PAGES):
            outcome = yield self._list("" if alike else name, after)
            if outcome.kind is not OutcomeKind.OK:
                raise failure(outcome)
            if outcome.code:
                notes[outcome.code] = outcome.reason
            page: answers.Page = outcome.value
            found += [
                one
                for one, named, subtype in page.audiences
                if (visible_name(named) if alike else named, subtype) == (name, "CUSTOM")
            ]
            if not page.after or page.after == after:
                break
            after = page.after
        return sorted(set(found), key=lambda one: (len(one), one))

    def _list(self, name: str, after: str) -> Request:
        """Build the request of a page of the audiences with a name, of all where that is ""."""
        match_name = [{"field": "name", "operator": "EQUAL", "value": name}]
        return self._get(
            "find",
            f"act_{self.account.account_id}/customaudiences",
            fields="id,name,subtype",
            limit=str(PAGE_SIZE),
            **({"filtering": json.dumps(match_name, ensure_ascii=False)} if name else {}),
            **({"after": after} if after else {}),
        )

    def _create(self, name: str, *, again: bool) -> Request:
        """Build a creation; with `again`, Meta returns an audience that a lost attempt may have created."""
        fields: dict[str, object] = {
            "name": name,
            "subtype": "CUSTOM",
            "customer_file_source": self.account.options["customer_file_source"],
            "description": "Filled by Audience Activation for AWS",
        }
        if again:
            # A new audience takes some seconds to become visible, so looking it up is not enough:
            # .../marketing-api/reference/ad-account/customaudiences (read 2026-09-12)
            fields["enable_fetch_or_create"] = True
        path = f"act_{self.account.account_id}/customaudiences"
        return self._request("create", "POST", path, body=_json(fields), repeatable=False)

    def _get(self, call: str, path: str, **query: str) -> Request:
        return self._request(call, "GET", f"{path}?{urlencode(query)}")

    def _request(
        self,
        call: str,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        rows: int = 0,
        repeatable: bool = True,
    ) -> Request:
        headers = {"Accept": "application/json"}
        if body:
            headers["Content-Type"] = "application/json"
        url = f"{self.account.endpoint}/{API_VERSION}/{path}"
        return Request(call, method, url, headers, body, rows, repeatable)


def session_id(upload: Upload) -> int:
    """Return the id of an upload's session: positive, 63 bits, the same whenever the same rows are sent again."""
    digest = hashlib.sha256(upload.identity.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1 or 1


def _opened(found: list[str], notes: Mapping[str, str]) -> Opened:
    if len(found) == 1:
        return Opened(found[0], notes=notes)
    note = f"{len(found)} audiences have this name; {found[0]}, the oldest, was used"
    return Opened(found[0], notes={**notes, "duplicate_audiences": note})


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
