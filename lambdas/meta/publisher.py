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
from activation.model import Action, Audience
from activation.platforms.account import AdAccount
from activation.platforms.outcome import Outcome, OutcomeKind, failure
from activation.platforms.publisher import Closed, Opened
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch, Upload

from lambdas.meta import answers
from lambdas.meta.fields import TABLE
from lambdas.meta.payload import payload
from lambdas.meta.platform import API_VERSION

# The page size Meta's guide advises; too much of it is answered with code 1, "reduce the amount of data".
PAGE_SIZE = 20
MAX_PAGES = 200  # 500 audiences of the kind per ad account, and filtered by name: this many is a loop
CREATE_ATTEMPTS = 2


@dataclass(frozen=True)
class MetaPublisher:
    """One ad account; its id comes without `act_`."""

    account: AdAccount

    def planned(self, keys: tuple[str, ...]) -> Opened:
        """Return an audience that is there."""
        return Opened("0")

    def open(self, audience: Audience, keys: tuple[str, ...]) -> Generator[Request, Outcome, Opened]:
        """Find the audience, or create it.

        Names are not unique at Meta, so a lost answer to a creation is followed by another look before
        anything is created again, and of several audiences the smallest id is taken, with a note. Raises
        Rejected when members are to be removed from an audience that is not there, and what `failure` gives
        for a call that did not go well.
        """
        notes: dict[str, str] = {}
        found = yield from self._find(audience.name, notes)
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
        """Return one upload; two where only some rows fill a column that Meta refuses blank (EXTERN_ID)."""
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
        """Return the request of an upload: a session of its own, with this request as its first and last."""
        session = {
            "session_id": session_id(upload),
            "batch_seq": 1,
            "last_batch_flag": True,
            "estimated_num_total": upload.lines,
        }
        body = b"".join((b'{"payload":', *payload(upload.whole), b',"session":', _json(session), b"}"))
        # A removal carries its members in a body like an addition: in a URL, where Meta's own SDK puts them,
        # 10,000 of them have no room, and the hashes of people would be in every access log on the way.
        method = "DELETE" if audience.action is Action.REMOVE else "POST"
        return self._request("users", method, f"{opened.audience_id}/users", body=body, rows=upload.lines)

    def classify(self, request: Request, answer: Answer) -> Outcome:
        """Return what an answer means, by Meta's code and subcode."""
        return answers.classify(request, answer, account=self.account.account_id)

    def arrived(self, upload: Upload, audience: Audience, opened: Opened) -> Request | None:
        """Return the question for the upload's session: it has received rows exactly when the upload arrived."""
        asked = str(session_id(upload))
        fields = "session_id,stage,num_received,num_invalid_entries"
        question = self._get("arrived", f"{opened.audience_id}/sessions", session_id=asked, fields=fields)
        return replace(question, context=f"{asked} {upload.lines}")

    def close(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Do nothing: every session ended with its one request."""
        yield from ()
        return Closed()

    def follow(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Ask nothing: Meta matches members within a day and says no more about them."""
        yield from ()
        return Closed()

    def _find(self, name: str, notes: dict[str, str]) -> Generator[Request, Outcome, list[str]]:
        """Read every page; the filter is Meta's, the exact comparison ours. A retired version goes to `notes`."""
        found: list[str] = []
        after = ""
        for _ in range(MAX_PAGES):
            outcome = yield self._list(name, after)
            if outcome.kind is not OutcomeKind.OK:
                raise failure(outcome)
            if outcome.code:
                notes[outcome.code] = outcome.reason
            page: answers.Page = outcome.value
            found += [one for one, named, subtype in page.audiences if (named, subtype) == (name, "CUSTOM")]
            if not page.after or page.after == after:
                break
            after = page.after
        return sorted(set(found), key=lambda one: (len(one), one))

    def _list(self, name: str, after: str) -> Request:
        match_name = [{"field": "name", "operator": "EQUAL", "value": name}]
        return self._get(
            "find",
            f"act_{self.account.account_id}/customaudiences",
            fields="id,name,subtype",
            filtering=json.dumps(match_name, ensure_ascii=False),
            limit=str(PAGE_SIZE),
            **({"after": after} if after else {}),
        )

    def _create(self, name: str, *, again: bool) -> Request:
        """Build a creation; one made `again` gets the audience that the lost one may have left unseen as yet."""
        fields: dict[str, object] = {
            "name": name,
            "subtype": "CUSTOM",
            "customer_file_source": self.account.options["customer_file_source"],
            "description": "Filled by Audience Activation for AWS",
        }
        if again:
            # A new audience takes some seconds to be seen, so looking is not enough:
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
    note = f"{len(found)} audiences have this name; {found[0]}, the oldest, was taken"
    return Opened(found[0], notes={**notes, "duplicate_audiences": note})


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
