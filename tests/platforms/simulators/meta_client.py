"""A bare client of the simulated Meta, and hashed rows to send."""

import hashlib
from dataclasses import dataclass
from typing import Any

import requests

from sandbox.platforms.meta.settings import NEWEST
from sandbox.platforms.outside import Outside


def digest(text: object) -> str:
    """Hash as a careful client does."""
    return hashlib.sha256(str(text).encode()).hexdigest()


@dataclass
class Client:
    """A bare client with the token in the header."""

    meta: Outside
    token: str
    account: str

    @classmethod
    def of(cls, meta: Outside) -> "Client":
        """Return a client with the default secret."""
        secret = meta.secret()
        return cls(meta, secret["access_token"], f"act_{secret['ad_account_id']}")

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call `path` under the newest version, unless told otherwise."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        url = f"{self.meta.base_url}/{options.pop('version', NEWEST)}/{path}"
        return requests.request(method, url, headers=headers, timeout=30, **options)

    def create(self, **more: Any) -> str:
        """Create an audience and give its id."""
        wanted = {"name": "VIP", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY", **more}
        return str(self.ask("POST", f"{self.account}/customaudiences", json=wanted).json()["id"])

    def upload(
        self, audience: str, rows: list[Any], session: Any = None, *, edge: str = "users", **more: Any
    ) -> requests.Response:
        """Send rows with the schema `["EMAIL"]` unless told otherwise."""
        body: dict[str, Any] = {"payload": {"schema": more.pop("schema", ["EMAIL"]), "is_raw": True, "data": rows}}
        if session is not None:
            body["session"] = session
        return self.ask(more.pop("method", "POST"), f"{audience}/{edge}", json={**body, **more})


def people(count: int, prefix: str = "p") -> list[list[str]]:
    """Make rows of one hashed cell."""
    return [[digest(f"{prefix}{number}")] for number in range(count)]


def code_of(answer: requests.Response) -> tuple[int, int | None]:
    """Return code and subcode of a refusal."""
    error = answer.json()["error"]
    return error["code"], error.get("error_subcode")
