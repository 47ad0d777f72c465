"""A bare client of the simulated Snapchat, and hashed rows to send."""

import hashlib
from dataclasses import dataclass
from typing import Any

import requests

from sandbox.platforms.outside import Outside

EMAIL, PHONE, MAID = "EMAIL_SHA256", "PHONE_SHA256", "MOBILE_AD_ID_SHA256"


def people(count: int, prefix: str = "p") -> list[list[str]]:
    """Return rows of one hashed cell."""
    return [[hashlib.sha256(f"{prefix}{number}".encode()).hexdigest()] for number in range(count)]


def refresh(snapchat: Outside, token: str | None = None, **change: str | None) -> requests.Response:
    """Ask for new tokens with the current refresh token or another; a parameter of None is left out."""
    secret = snapchat.secret()
    form = {
        "grant_type": "refresh_token",
        "client_id": secret["client_id"],
        "client_secret": secret["client_secret"],
        "refresh_token": token or secret["refresh_token"],
        **change,
    }
    sent = {name: value for name, value in form.items() if value is not None}
    return requests.post(f"{snapchat.base_url}/login/oauth2/access_token", data=sent, timeout=30)


@dataclass
class Client:
    """A client with an access token in the header."""

    snapchat: Outside
    account: str
    token: str

    @classmethod
    def of(cls, snapchat: Outside) -> "Client":
        """Return a client with the default secret and a new access token."""
        account = snapchat.secret()["ad_account_id"]
        return cls(snapchat, account, refresh(snapchat).json()["access_token"])

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call `path` below /v1, or an address as it is."""
        url = path if path.startswith("http") else f"{self.snapchat.base_url}/v1/{path}"
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return requests.request(method, url, headers=headers, timeout=60, **options)

    def create(self, **change: Any) -> requests.Response:
        """Create a segment; a field of None is left out."""
        account = change.pop("account", self.account)
        wanted = {"name": "VIP", "source_type": "FIRST_PARTY", "ad_account_id": account, **change}
        segment = {key: value for key, value in wanted.items() if value is not None}
        return self.ask("POST", f"adaccounts/{account}/segments", json={"segments": [segment]})

    def created(self, **change: Any) -> str:
        """Create a segment and return its id."""
        return str(self.create(**change).json()["segments"][0]["segment"]["id"])

    def users(
        self, segment: str, rows: Any, schema: Any = (EMAIL,), *, method: str = "POST", **more: Any
    ) -> requests.Response:
        """Add identifiers to a segment, or remove them with the method DELETE."""
        body = {"users": [{"schema": schema, "data": rows, **more}]}
        return self.ask(method, f"segments/{segment}/users", json=body)

    def shown(self, segment: str) -> Any:
        """Read a segment."""
        return self.ask("GET", f"segments/{segment}").json()["segments"][0]["segment"]


def refused(answer: requests.Response) -> str:
    """Check that an answer is a refusal of what was sent, and return its message."""
    said = answer.json()
    assert (answer.status_code, said["request_status"]) == (400, "ERROR")
    assert "users" not in said
    assert said["request_id"]
    return str(said["debug_message"])
