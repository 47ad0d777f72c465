"""TikTok's calls as requests: the five an upload needs.

https://github.com/tiktok/tiktok-business-api-sdk (yml_files/dmp_custom_audience_*.yml, read 2026-11-22)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from activation.platforms.account import AdAccount
from activation.platforms.request import Request

from lambdas.tiktok.payload import Multipart

API = "open_api/v1.3/dmp/custom_audience"
PAGE_SIZE = 100  # the largest page; the default is 10


@dataclass(frozen=True)
class Calls:
    """Build requests for one advertiser's audiences. Ids are always text: they are too large for a float."""

    account: AdAccount

    def upload(self, form: Multipart, rows: int) -> Request:
        """Upload a file of `rows` members."""
        headers = self._headers(form.content_type)
        return Request("upload", "POST", self._url("file/upload"), headers, rows=rows, stream=form.body)

    def page(self, number: int) -> Request:
        """Read a page of all audiences, the first being 1; there is no filter by name."""
        return self._read("list", {"page": str(number), "page_size": str(PAGE_SIZE)})

    def get(self, audience_id: str) -> Request:
        """Read the state of an audience."""
        return self._read("get", {"custom_audience_ids": json.dumps([audience_id])})

    def create(self, name: str, calculate_type: str, files: list[str], retention_days: int = 0) -> Request:
        """Create an audience from files, which ends after `retention_days`; 0 for TikTok's own rule.

        Names may repeat, so doing it twice creates two.
        """
        fields: dict[str, object] = {
            "custom_audience_name": name,
            "calculate_type": calculate_type,
            "file_paths": files,
            **({"retention_in_days": retention_days} if retention_days else {}),
        }
        return self._write("create", fields)

    def update(self, audience_id: str, action: str, files: list[str]) -> Request:
        """Apply files to an audience: APPEND, REMOVE or REPLACE, which is also TikTok's default.

        Doing it twice does no harm, but the second call finds the audience busy with the first.
        """
        fields = {"custom_audience_id": audience_id, "action": action, "file_paths": files}
        return self._write("update", fields)

    def _read(self, call: str, query: dict[str, str]) -> Request:
        text = urlencode({"advertiser_id": self.account.account_id, **query})
        return Request(call, "GET", f"{self._url(call)}?{text}", self._headers())

    def _write(self, call: str, fields: Mapping[str, object]) -> Request:
        body = json.dumps({"advertiser_id": self.account.account_id, **fields}, ensure_ascii=False).encode()
        headers = self._headers("application/json")
        return Request(call, "POST", self._url(call), headers, body, repeatable=False)

    def _url(self, call: str) -> str:
        return f"{self.account.endpoint}/{API}/{call}/"  # without the trailing slash it is a 404

    def _headers(self, content_type: str = "") -> dict[str, str]:
        headers = {"Accept": "application/json"}
        return headers | ({"Content-Type": content_type} if content_type else {})
