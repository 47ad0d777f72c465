"""Meta custom audiences: found or created by name, filled by `/users` in sessions of one request each."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.compute as pc
from activation.credentials import Credentials
from activation.errors import ConfigError, Rejected
from activation.identifiers.table import FieldTable
from activation.limits import Limits
from activation.model import Action, Audience
from activation.publisher import Answer, Batch, Closed, Kind, Opened, Outcome, Request, failure

from lambdas.meta import answers
from lambdas.meta.fields import TABLE
from lambdas.meta.payload import payload

# Meta retires a version of the Marketing API about 90 days after the next one and then takes its calls for the
# newer one, with a header that says so (we alarm on it), or refuses them with code 2635.
# https://developers.facebook.com/documentation/ads-commerce/marketing-api/overview/versioning (read 2026-09-12)
API_VERSION = "v26.0"
ENDPOINT = "https://graph.facebook.com"

LIMITS = Limits(
    # "10,000 records per request": .../marketing-api/audiences/guides/custom-audiences (read 2026-09-12)
    max_rows=10_000,
    # No limit is published. 10,000 rows of every key are about 10 MB; half of that keeps a request well under
    # its timeout on a slow line, and four of them under the function's memory.
    max_bytes=5_000_000,
    # The score of an ad account on the limited tier is full after 20 writes in five minutes, on the full tier
    # after 3,000 (.../marketing-api/overview/rate-limiting, read 2026-09-12): four are never what holds back.
    in_flight=4,
    timeout_s=60.0,
    actions=frozenset({Action.ADD, Action.REMOVE}),
)

# The page size Meta's guide advises; too much of it is answered with code 1, "reduce the amount of data".
PAGE_SIZE = 20
MAX_PAGES = 200  # 500 audiences of the kind per ad account, and filtered by name: this many is a loop
CREATE_ATTEMPTS = 2


@dataclass(frozen=True)
class MetaPublisher:
    """One ad account.

    `account` is the ad account's id without `act_`. `customer_file_source` is what Meta asks at creation; it
    has no effect on what may be done with the audience.
    """

    account: str
    endpoint: str
    customer_file_source: str
    _token: str = field(repr=False)
    _proof: str = field(repr=False)

    platform: str = "meta"
    table: FieldTable = TABLE
    limits: Limits = LIMITS

    @classmethod
    def from_secret(
        cls, secret: Mapping[str, object], *, customer_file_source: str = "USER_PROVIDED_ONLY"
    ) -> MetaPublisher:
        """Take an ad account's secret; raises ConfigError naming the key that is missing or unusable.

        Keys: `access_token`, `ad_account_id` (with or without `act_`), and where wanted `app_secret`, which
        signs every call, and `endpoint`, which stands in for Meta's own.
        """
        credentials = Credentials(secret)
        token, app_secret = credentials.required("access_token"), credentials.optional("app_secret")
        account = credentials.required("ad_account_id").removeprefix("act_")
        if not account.isdigit():
            raise ConfigError("bad_secret", "ad_account_id in the connector's secret is not an ad account's id")
        # https://developers.facebook.com/docs/graph-api/guides/secure-requests (read 2026-09-12)
        proof = hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest() if app_secret else ""
        return cls(account, credentials.endpoint("endpoint", ENDPOINT), customer_file_source, token, proof)

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
            if outcome.kind is Kind.OK:
                return Opened(str(outcome.value), created=True, notes=notes)
            if outcome.kind is not Kind.UNKNOWN:
                raise failure(outcome)
            found = yield from self._find(audience.name, notes)
        if found:
            return _opened(found, notes)
        raise failure(outcome)

    def groups(self, columns: pa.Table) -> list[pa.Array]:
        """Keep rows apart that fill a column Meta refuses blank (EXTERN_ID) and rows that do not."""
        masks = [pa.repeat(pa.scalar(True), columns.num_rows)]
        for one in self.table.fields:
            if one.blank_with_others or one.key not in columns.schema.names:
                continue
            filled = pc.is_valid(columns.column(columns.schema.names.index(one.key)))
            masks = [pc.and_(mask, side) for mask in masks for side in (filled, pc.invert(filled))]
        return [mask for mask in masks if pc.any(mask).as_py()] or masks[:1]

    def encode(self, batch: Batch, audience: Audience, opened: Opened) -> Request:
        """Build the upload of a batch: a session of its own, with this request as its first and last."""
        session = {
            "session_id": session_id(batch),
            "batch_seq": 1,
            "last_batch_flag": True,
            "estimated_num_total": batch.columns.num_rows,
        }
        proof = b',"appsecret_proof":' + json.dumps(self._proof).encode() if self._proof else b""
        body = b"".join((b'{"payload":', *payload(batch.whole), b',"session":', _json(session), proof, b"}"))
        # A removal carries its members in a body like an addition: in a URL, where Meta's own SDK puts them,
        # 10,000 of them have no room, and the hashes of people would be in every access log on the way.
        method = "DELETE" if audience.action is Action.REMOVE else "POST"
        return self._request(
            "users", method, f"{opened.audience_id}/users", body=body, rows=batch.columns.num_rows
        )

    def classify(self, request: Request, answer: Answer) -> Outcome:
        """Say what an answer means, by Meta's code and subcode."""
        return answers.classify(request, answer, account=self.account)

    def arrived(self, batch: Batch, audience: Audience, opened: Opened) -> Request | None:
        """Ask for the batch's session: it has received rows exactly when the batch arrived."""
        asked = str(session_id(batch))
        fields = "session_id,stage,num_received,num_invalid_entries"
        question = self._get("arrived", f"{opened.audience_id}/sessions", session_id=asked, fields=fields)
        return replace(question, context=f"{asked} {batch.columns.num_rows}")

    def close(self, audience: Audience, opened: Opened, handles: list[str]) -> Generator[Request, Outcome, Closed]:
        """Nothing is left to do: every session ended with its one request."""
        yield from ()
        return Closed()

    def follow(self, audience: Audience, opened: Opened) -> Generator[Request, Outcome, Closed]:
        """Nothing to wait for: Meta matches members within a day and says no more about them."""
        yield from ()
        return Closed()

    def _find(self, name: str, notes: dict[str, str]) -> Generator[Request, Outcome, list[str]]:
        """Read every page; the filter is Meta's, the exact comparison ours. A retired version goes to `notes`."""
        found: list[str] = []
        after = ""
        for _ in range(MAX_PAGES):
            outcome = yield self._list(name, after)
            if outcome.kind is not Kind.OK:
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
            f"act_{self.account}/customaudiences",
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
            "customer_file_source": self.customer_file_source,
            "description": "Filled by Audience Activation for AWS",
        }
        if again:
            # A new audience takes some seconds to be seen, so looking is not enough:
            # .../marketing-api/reference/ad-account/customaudiences (read 2026-09-12)
            fields["enable_fetch_or_create"] = True
        if self._proof:
            fields["appsecret_proof"] = self._proof
        path = f"act_{self.account}/customaudiences"
        return self._request("create", "POST", path, body=_json(fields), repeatable=False)

    def _get(self, call: str, path: str, **query: str) -> Request:
        if self._proof:
            query["appsecret_proof"] = self._proof
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
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if body:
            headers["Content-Type"] = "application/json"
        url = f"{self.endpoint}/{API_VERSION}/{path}"
        return Request(call, method, url, headers, body, rows, repeatable)


def session_id(batch: Batch) -> int:
    """Name a batch's session: positive, 63 bits, the same whenever the same rows are sent again."""
    digest = hashlib.sha256(batch.identity.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1 or 1


def _opened(found: list[str], notes: Mapping[str, str]) -> Opened:
    if len(found) == 1:
        return Opened(found[0], notes=notes)
    note = f"{len(found)} audiences have this name; {found[0]}, the oldest, was taken"
    return Opened(found[0], notes={**notes, "duplicate_audiences": note})


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
