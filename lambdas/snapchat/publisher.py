"""Snapchat customer lists: found or created by name; each request adds or removes one kind of identifier."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import pyarrow as pa
import pyarrow.compute as pc
from activation.errors import ConfigError, Rejected
from activation.model import Action, Audience, visible_name
from activation.platforms.account import AdAccount
from activation.platforms.outcome import Outcome, OutcomeKind, failure
from activation.platforms.publisher import Closed, Opened, await_new
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch, Upload, distinct_lines

from lambdas.snapchat import answers
from lambdas.snapchat.answers import Listed, Page

# https://developers.snap.com/api/marketing-api/Ads-API/customer-lists (read 2026-11-29)
MAX_NAME_CHARACTERS = 375
# https://developers.snap.com/api/marketing-api/Ads-API/api-patterns (read 2026-11-29): 50 to 1,000
PAGE_SIZE = 1_000
MAX_PAGES = 200  # more pages of one ad account's segments mean a loop
CREATE_ATTEMPTS = 2


@dataclass(frozen=True)
class SnapchatPublisher:
    """One ad account."""

    account: AdAccount

    def planned(self, keys: tuple[str, ...]) -> Opened:
        """Return a stand-in for an existing segment."""
        return Opened("0")

    def open(self, audience: Audience, keys: tuple[str, ...]) -> Generator[Request, Outcome, Opened]:
        """Find the segment, or create it.

        Names are not unique. So if the answer to a creation is lost, the segment is looked up again before
        anything is created, and of several segments the oldest is used, with a note. Raises Rejected for a name
        that Snapchat does not accept and if people are to be removed from a segment that does not exist, and the
        error from `failure` if a call fails.
        """
        if not 0 < len(audience.name) <= MAX_NAME_CHARACTERS:
            raise Rejected("bad_name", f"a Snapchat audience has a name of 1 to {MAX_NAME_CHARACTERS} characters")
        found = yield from self._find(audience.name, audience.options.audience_id)
        if not found and audience.options.audience_id:
            raise ConfigError(
                "audience_differs",
                "the ad account has no customer list with the id that the audience's options name",
            )
        if not found and audience.action is Action.REMOVE:
            raise Rejected("audience_missing", "the ad account has no customer list of this name to remove from")
        if not found:
            await_new(audience)
        for _ in range(CREATE_ATTEMPTS):
            if found:
                return _opened(found)
            outcome = yield self._create(audience)
            if outcome.kind is OutcomeKind.OK:
                return Opened(str(outcome.value), created=True)
            if outcome.kind is not OutcomeKind.UNKNOWN:
                raise failure(outcome)
            found = yield from self._find(audience.name)
        if found:
            return _opened(found)
        raise failure(outcome)

    def reopen(
        self, audience: Audience, opened: Opened, keys: tuple[str, ...]
    ) -> Generator[Request, Outcome, Opened]:
        """Look the audience up again."""
        return (yield from self.open(audience, keys))

    def uploads(self, batch: Batch) -> list[Upload]:
        """Return one upload per kind of identifier, with each value once: a request holds a single kind."""
        kinds = (distinct_lines(batch, key) for key in batch.columns.schema.names)
        return [upload for upload in kinds if upload is not None]

    def encode(self, upload: Upload, audience: Audience, opened: Opened) -> Request:
        """Return the request that adds the lines to the segment, or removes them from it."""
        (kind,) = upload.columns.schema.names
        cells = upload.columns.column(kind).combine_chunks()
        as_one_list = pa.ListArray.from_arrays(pa.array([0, len(cells)], pa.int32()), cells)
        lines = pc.binary_join(as_one_list, '"],["')[0].as_buffer()
        head = b'{"users":[{"schema":["' + kind.encode() + b'"],"data":[["'
        # A removal has a body, too: in a URL, the hashes of people would be in every access log on the way.
        method = "DELETE" if audience.action is Action.REMOVE else "POST"
        path = f"segments/{quote(opened.audience_id, safe='')}/users"
        return self._request("users", method, path, body=b"".join((head, lines, b'"]]}]}')), rows=upload.lines)

    def classify(self, request: Request, answer: Answer) -> Outcome:
        """Return what an answer means, by its status and by the statuses of the request and its parts."""
        return answers.classify(request, answer)

    def arrived(self, upload: Upload, audience: Audience, opened: Opened) -> Request | None:
        """Return None: Snapchat cannot be asked, and repeating the upload changes nothing."""
        return None

    def close(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Return at once: every request is complete in itself."""
        yield from ()
        return Closed()

    def follow(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Return at once: Snapchat matches people later, and reports nothing more about them."""
        yield from ()
        return Closed()

    def _find(self, name: str, segment_id: str = "") -> Generator[Request, Outcome, list[Listed]]:
        """Read every page; return the account's own lists with the name, the oldest first, or the one with the id.

        `segment_id` is "" where the name says which is meant.
        """
        found: list[Listed] = []
        cursor = ""
        for _ in range(MAX_PAGES):
            outcome = yield self.page(cursor)
            page = outcome.value
            if not isinstance(page, Page):
                raise failure(outcome)
            own = [one for one in page.segments if one.own_list]
            found += [
                one
                for one in own
                if (one.segment_id == segment_id if segment_id else visible_name(one.name) == name)
            ]
            if not page.cursor or page.cursor == cursor:
                break
            cursor = page.cursor
        # A list of that very name comes before those that merely look the same.
        return sorted(set(found), key=lambda one: (one.name != name, one.created, one.segment_id))

    def page(self, cursor: str = "") -> Request:
        """Return the request for a page of the ad account's segments; cursor "" is the first page."""
        query = {"limit": str(PAGE_SIZE), **({"cursor": cursor} if cursor else {})}
        return self._request("find", "GET", f"{self._segments}?{urlencode(query)}")

    def _create(self, audience: Audience) -> Request:
        options = audience.options
        segment = {
            "name": audience.name,
            "description": options.description or "Filled by Audience Activation for AWS",
            "source_type": "FIRST_PARTY",
            "retention_in_days": options.retention_days or self.account.options["retention_in_days"],
            "ad_account_id": self.account.account_id,
        }
        body = json.dumps({"segments": [segment]}, ensure_ascii=False).encode()
        return self._request("create", "POST", self._segments, body=body, repeatable=False)

    @property
    def _segments(self) -> str:
        return f"adaccounts/{self.account.account_id}/segments"

    def _request(
        self, call: str, method: str, path: str, *, body: bytes = b"", rows: int = 0, repeatable: bool = True
    ) -> Request:
        headers = {"Accept": "application/json"} | ({"Content-Type": "application/json"} if body else {})
        return Request(call, method, f"{self.account.endpoint}/v1/{path}", headers, body, rows, repeatable)


def _opened(found: list[Listed]) -> Opened:
    if len(found) == 1:
        return Opened(found[0].segment_id)
    note = f"{len(found)} segments have this name; {found[0].segment_id}, the oldest, was used"
    return Opened(found[0].segment_id, notes={"duplicate_audiences": note})
