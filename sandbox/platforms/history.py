"""Keeps what a simulator holds in a file, so that one that dies is started again with its past.

The file is written within a second after a change; while calls keep coming, so seldom that it takes a twentieth of
the time. A simulator that is killed has therefore forgotten its last second, or some seconds of a large load.
"""

from __future__ import annotations

import asyncio
import pickle
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_SOON_S = 0.5
_SHARE = 0.05


class Kept(Protocol):
    """What is kept of a simulator: its parts by name, all but those that belong to the process alone."""

    def parts(self) -> dict[str, Any]:
        """Return all parts; they are pickled together, so that they refer to each other as before."""
        ...

    def restore(self, parts: dict[str, Any]) -> None:
        """Take over the parts of an earlier process."""
        ...


class History:
    """An application whose simulator is kept in a file after every call that may have changed it."""

    def __init__(self, app: ASGIApp, simulator: Kept, file: Path) -> None:
        self._app, self._simulator, self._file = app, simulator, file
        self._waiting = False
        self._took_s = 0.0
        if file.exists():
            # The file is this program's own, in the sandbox's own directory.
            simulator.restore(pickle.loads(file.read_bytes()))  # noqa: S301  see above

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, and have its effect kept soon."""
        await self._app(scope, receive, send)
        reads = scope["type"] != "http" or (scope["method"] == "GET" and scope["path"].startswith("/_sim/"))
        if not reads and not self._waiting:
            self._waiting = True
            asyncio.get_running_loop().call_later(max(_SOON_S, self._took_s / _SHARE), self._keep)

    def _keep(self) -> None:
        self._waiting = False
        begun = time.monotonic()
        scratch = self._file.with_suffix(".new")
        scratch.write_bytes(pickle.dumps(self._simulator.parts(), pickle.HIGHEST_PROTOCOL))
        scratch.replace(self._file)
        self._took_s = time.monotonic() - begun
