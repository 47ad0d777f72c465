"""What `doctor` asks TikTok: whether the token may list the advertiser's audiences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import requests
from activation.errors import ConfigError

from cli.findings import Finding
from lambdas.tiktok.publisher import TikTokPublisher

TIMEOUT_S = 20
PAGE_SIZE = 100


def examine(secret: Mapping[str, Any], audience: str) -> Iterator[Finding]:
    """Check token, scope and, when named, an audience, by reading every page of the audiences."""
    try:
        publisher = TikTokPublisher.from_secret(secret)
    except ConfigError as error:
        yield Finding("secret", False, error.sentence)
        return
    url = f"{publisher.calls.endpoint}/open_api/v1.3/dmp/custom_audience/list/"
    headers = {"Access-Token": publisher.calls.token}
    found: list[dict[str, Any]] = []
    page = pages = 1
    while page <= pages:
        query: dict[str, str | int] = {"advertiser_id": publisher.account, "page": page, "page_size": PAGE_SIZE}
        try:
            answer = requests.get(url, params=query, headers=headers, timeout=TIMEOUT_S).json()
        except requests.RequestException as error:
            yield Finding("tiktok", False, f"cannot be reached: {type(error).__name__}")
            return
        if not isinstance(answer, dict) or "code" not in answer:
            yield Finding("tiktok", False, "did not answer as TikTok does; check ENDPOINT")
            return
        if answer["code"] != 0:
            yield Finding(
                "token", False, f"is refused with code {answer['code']}; request {answer.get('request_id')}"
            )
            return
        found += answer["data"]["list"]
        pages = answer["data"]["page_info"]["total_page"]
        page += 1
    yield Finding("token", True, f"may list the advertiser's {len(found)} audiences")
    if audience:
        named = [one for one in found if one["name"] == audience]
        says = f"{len(named)} of this name" if named else "is not there yet; the first drop creates it"
        yield Finding("audience", len(named) <= 1, says)
