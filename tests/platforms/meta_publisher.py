"""Meta's publisher with a good secret, uploads for it, and answers to them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa
from activation.model import Audience
from activation.platforms.account import AdAccount
from activation.platforms.outcome import Outcome
from activation.platforms.publisher import Opened, Publisher
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch, Upload

from lambdas.meta.platform import PLATFORM
from tests.platforms.conversation import answer
from tests.platforms.signing import account_of, signer_of

AUDIENCE = Audience("meta", "VIP été 2026")
OPENED = Opened("238491")
SECRET = {"access_token": "tok-123", "ad_account_id": "act_55501"}


def account(**more: object) -> AdAccount:
    """Read the ad account of a good secret, some keys of it replaced."""
    return account_of(PLATFORM, {**SECRET, **more})


def publisher() -> Publisher:
    """Return the publisher of the account."""
    return PLATFORM.publisher(account())


def signed(request: Request, **more: object) -> Request:
    """Sign a request with a good secret, some keys of it replaced."""
    return signer_of(PLATFORM, {**SECRET, **more}).sign(request)


def digest(text: str) -> str:
    """Hash a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def batch(columns: dict[str, list[str | None]], *, first_row: int = 1) -> Batch:
    """Return a batch of text columns, its rows numbered from `first_row`."""
    table = pa.table({key: pa.array(values, pa.string()) for key, values in columns.items()})
    last_row = first_row + table.num_rows - 1
    return Batch("run", first_row, last_row, table, pa.array(range(first_row, last_row + 1)))


def upload(columns: dict[str, list[str | None]], *, first_row: int = 1, part: str = "") -> Upload:
    """Return the upload of all of a batch of text columns, or a part of it by name."""
    return replace(batch(columns, first_row=first_row).upload(), part=part)


def page(*audiences: tuple[str, str, str], after: str = "", status: int = 200) -> Answer:
    """Return a page of audiences (id, name, subtype) of a status; the cursor `after` leads to the next one."""
    told = {"operation_status": {"code": status}}
    body: dict[str, object] = {"data": [{"id": i, "name": n, "subtype": s, **told} for i, n, s in audiences]}
    if after:
        body["paging"] = {"cursors": {"after": after}, "next": "https://graph.example/?access_token=leak"}
    return answer(body)


def users(body: Mapping[str, object], request: Request | None = None, **headers: str) -> Outcome:
    """Classify an answer to an upload of two rows, or to `request`."""
    one = publisher()
    asked = request or one.encode(upload({"EMAIL": [digest("a"), digest("b")]}), AUDIENCE, OPENED)
    return one.classify(asked, answer(body, headers={k.replace("_", "-"): v for k, v in headers.items()}))
