"""A client of a running simulator's test routes, for tests and the demo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import urllib3


class Outside:
    """The test routes of the simulator at `base_url`; a refused request raises ValueError with its answer."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(60.0))

    def state(self, *, members: bool = True) -> Any:
        """Return the state; without `members`, only counts."""
        return self._ask("GET", f"state?members={int(members)}")

    def audience(self, name: str) -> Any:
        """Return the only audience of that name, with its members; raises LookupError if there is not just one."""
        found = [one for one in self.state()["audiences"] if one["name"] == name]
        if len(found) != 1:
            raise LookupError(f"{len(found)} audiences have that name")
        return found[0]

    def requests(self, route: str = "") -> list[Any]:
        """Return the journal's rows whose `METHOD /path` contains `route`."""
        rows: list[Any] = self._ask("GET", "requests")
        return [row for row in rows if route in f"{row['method']} {row['route']}"]

    def secret(self) -> Any:
        """Return the secret of the default account."""
        return self._ask("GET", "secret")

    def configure(self, **changes: Any) -> None:
        """Change settings."""
        self._ask("POST", "config", changes)

    def fail(self, *script: Mapping[str, Any]) -> None:
        """Replace the script of faults."""
        self._ask("POST", "faults", list(script))

    def watch(self, *texts: str) -> None:
        """Mark in the journal the calls that carry one of these texts from now on, in place of those before."""
        self._ask("POST", "watch", list(texts))

    def advance(self, seconds: float) -> None:
        """Move the platform's time ahead."""
        self._ask("POST", "clock", {"advance_s": seconds})

    def reset(self) -> None:
        """Reset the simulator."""
        self._ask("POST", "reset", {})

    def _ask(self, method: str, what: str, body: Mapping[str, Any] | Sequence[Any] | None = None) -> Any:
        url = f"{self.base_url}/_sim/{what}"
        answer = (
            self._http.request(method, url, json=body) if body is not None else self._http.request(method, url)
        )
        if answer.status != 200:
            raise ValueError(f"{method} {what}: {answer.status} {answer.data.decode()}")
        return answer.json()
