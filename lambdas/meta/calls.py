"""Meta's calls as requests: finding, creating and filling an audience, and what Meta says of it.

https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/ad-account/customaudiences and
https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience
(read 2026-09-12)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from activation.audience_options import AudienceOptions
from activation.platforms.account import AdAccount
from activation.platforms.request import Request, Stream

from lambdas.meta.reads import TOLD
from lambdas.meta_graph import api

# The page size Meta's guide recommends; a larger one can be answered with code 1, "reduce the amount of data".
PAGE_SIZE = 20
DESCRIPTION = "description"  # the context of a read of more than an audience's state
DESCRIBED = ("name", "subtype", "account_id", "description", "retention_days", "customer_file_source",
             "is_value_based", "opt_out_link", "operation_status")  # fmt: skip


@dataclass(frozen=True)
class Calls:
    """Build requests for one ad account's audiences."""

    account: AdAccount

    def page(self, name: str, after: str) -> Request:
        """Read a page of the audiences of this name, of all where that is "", with their operation status.

        `after` is the last page's cursor, "" for the first page.
        """
        match_name = [{"field": "name", "operator": "EQUAL", "value": name}]
        return self._get(
            "find",
            f"act_{self.account.account_id}/customaudiences",
            fields="id,name,subtype,operation_status",
            limit=str(PAGE_SIZE),
            **({"filtering": json.dumps(match_name, ensure_ascii=False)} if name else {}),
            **({"after": after} if after else {}),
        )

    def create(self, name: str, options: AudienceOptions, *, again: bool) -> Request:
        """Create an audience; with `again`, Meta returns one that a lost attempt may have created."""
        source = options.customer_file_source or self.account.options["customer_file_source"]
        fields: dict[str, object] = {
            "name": name,
            "subtype": "CUSTOM",
            "customer_file_source": source,
            "description": options.description or "Filled by Audience Activation for AWS",
            **({"retention_days": options.retention_days} if options.retention_days else {}),
            **({"is_value_based": True} if options.value_based else {}),
            **({"opt_out_link": options.opt_out_link} if options.opt_out_link else {}),
        }
        if again:
            # A new audience takes some seconds to become visible, so looking it up is not enough:
            # .../marketing-api/reference/ad-account/customaudiences (read 2026-09-12)
            fields["enable_fetch_or_create"] = True
        path = f"act_{self.account.account_id}/customaudiences"
        return self._request("create", "POST", path, body=as_json(fields), repeatable=False)

    def users(self, method: str, audience_id: str, body: Stream, rows: int, *, handle: str = "") -> Request:
        """Add members (POST) or remove them (DELETE); `handle` is what the upload is acknowledged with."""
        return self._request("users", method, f"{audience_id}/users", stream=body, rows=rows, context=handle)

    def replace(self, audience_id: str, body: Stream, rows: int, *, first: bool, last: bool) -> Request:
        """Send a batch of a replace, the one that begins it or ends it among them."""
        path, context = f"{audience_id}/usersreplace", "last" if last else ""
        return self._request(
            "replace", "POST", path, stream=body, rows=rows, repeatable=not first, context=context
        )

    def arrived(self, audience_id: str, session_id: str, rows: int) -> Request:
        """Ask for the session of an upload of `rows` members, which is its only one."""
        fields = "session_id,stage,num_received,num_invalid_entries"
        path, context = f"{audience_id}/sessions", f"{session_id} {rows}"
        return self._get("arrived", path, context, session_id=session_id, fields=fields)

    def session(self, audience_id: str, session_id: str) -> Request:
        """Ask what the session of a replace has received, and when it ended."""
        fields = "session_id,stage,num_received,end_time"
        return self._get("arrived", f"{audience_id}/sessions", session_id, session_id=session_id, fields=fields)

    def told(self, audience_id: str, session_id: str) -> Request:
        """Ask what a session has received and matched, for a note in the receipt."""
        fields = "session_id,num_received,num_matched"
        path = f"{audience_id}/sessions"
        return self._get("arrived", path, f"{TOLD}{session_id}", session_id=session_id, fields=fields)

    def describe(self, audience_id: str) -> Request:
        """Read what an audience is, whose it is, and what it was created with."""
        return self._get("status", audience_id, DESCRIPTION, fields=",".join(DESCRIBED))

    def status(self, audience_id: str) -> Request:
        """Read the operation status of an audience."""
        return self._get("status", audience_id, fields="operation_status")

    def _get(self, call: str, path: str, context: str = "", /, **query: str) -> Request:
        return self._request(call, "GET", f"{path}?{urlencode(query)}", context=context)

    def _request(
        self,
        call: str,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        stream: Stream | None = None,
        rows: int = 0,
        repeatable: bool = True,
        context: str = "",
    ) -> Request:
        headers = {"Accept": "application/json"}
        if body or stream:
            headers["Content-Type"] = "application/json"
        url = api.url(self.account.endpoint, path)
        return Request(call, method, url, headers, body, rows, repeatable, context, stream)


def as_json(value: Mapping[str, object]) -> bytes:
    """Return a value as JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
