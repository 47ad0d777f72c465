"""The simulated CI360 as an application.

GET  /staging/<occurrence>/<file>     a staged file, for whoever has a signed link; over TLS, with an authority
of its own POST /tasks                           run a bulk task: see sandbox.platforms.ci360.tasks POST
/marketingGateway/events         take an external event in
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import trustme
from starlette.responses import JSONResponse, Response

from sandbox.platforms.ci360 import events, staging, tasks
from sandbox.platforms.ci360.settings import CLIENT_SECRET, TENANT_ID, Ci360Settings
from sandbox.platforms.clock import Clock
from sandbox.platforms.face import with_face
from sandbox.platforms.journal import Entry
from sandbox.platforms.server import running
from sandbox.platforms.settings import changed

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

_HOST = "localhost"


@dataclass
class Ci360Platform:
    """CI360: what bulk tasks need of it. `files_url` is where its staging is served over TLS."""

    files_url: str = ""
    authority: str = ""
    name: str = "ci360"
    server: ExitStack | None = None
    of_this_process = ("files_url", "authority", "server")  # not kept for a process that follows

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.reset()

    def reset(self) -> None:
        """Delete all files, tasks and events."""
        self._settings = Ci360Settings()
        self._files: dict[str, staging.StagedFile] = {}
        self._tasks: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []
        self._cuts_left = 0

    def latency_s(self) -> float:
        """Return the delay of every answer, in seconds."""
        return self._settings.latency_s

    def settings(self) -> Mapping[str, Any]:
        """Return the current settings."""
        return vars(self._settings)

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change settings."""
        self._settings = changed(self._settings, changes)
        self._cuts_left = self._settings.cuts

    def secret(self, endpoint: str) -> Mapping[str, Any]:
        """Return the access point's secret, for senders of results."""
        return {"tenant_id": TENANT_ID, "client_secret": CLIENT_SECRET, "endpoint": endpoint}

    def state(self) -> tuple[Mapping[str, Any], Iterator[tuple[Mapping[str, Any], Iterator[Any]]]]:
        """Return the files' address and authority, the tasks and the events; there are no audiences."""
        about = {
            "files_host": self.files_url.removeprefix("https://"),
            "authority": self.authority,
            "tasks": self._tasks,
            "events": self._events,
        }
        return about, iter(())

    async def read(self, request: Request, entry: Entry) -> Request:
        """Read a call; the journal needs only its path."""
        if request.headers.get("range"):
            entry.note["range"] = request.headers["range"]
        return request

    async def answer(self, call: Request, entry: Entry) -> Response:
        """Answer with a file, run a task, or accept an event."""
        path = call.url.path
        if path.startswith("/staging/"):
            cut = self._cuts_left > 0
            self._cuts_left -= cut
            return staging.serve(call, self._files.get(path), self._settings, self.clock.now(), cut=cut)
        if call.method == "POST" and path == "/tasks":
            try:
                task = tasks.Task.of(await call.json())
                entry.applied = True
                return JSONResponse(await self._run(task))
            except ValueError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
        if call.method == "POST" and path == events.PATH:
            before = len(self._events)
            response = await events.take(call, self._events)
            entry.applied = len(self._events) > before
            return response
        return JSONResponse({"message": "Not Found"}, status_code=404)

    async def _run(self, task: tasks.Task) -> dict[str, Any]:
        occurrence_id = task.occurrence_id or str(uuid.uuid4())
        file = staging.StagedFile(task.data.encode(), task.file())
        data_link = self._stage(occurrence_id, "data.csv", file)
        metadata_link = self._stage(occurrence_id, "metadata.json", staging.StagedFile(task.metadata_content()))
        body = tasks.webhook_body(task, occurrence_id, data_link, metadata_link)
        calls = await tasks.call(task, body)
        run = {"occurrenceId": occurrence_id, "body": body, "calls": calls}
        self._tasks.append({"occurrenceId": occurrence_id, "s3_filename": task.s3_filename, "calls": calls})
        return run

    def _stage(self, occurrence_id: str, name: str, file: staging.StagedFile) -> str:
        path = f"/staging/{occurrence_id}/{name}"
        self._files[path] = file
        return staging.sign(self.files_url, path, self.clock.now(), self._settings.link_lifetime_s)


def certificate(folder: Path) -> tuple[Path, str]:
    """Make a certificate authority and a certificate from it; return the file and the authority's certificate."""
    authority = trustme.CA()
    path = folder / "server.pem"
    path.touch(mode=0o600)
    authority.issue_cert(_HOST).private_key_and_cert_chain_pem.write_to_path(path)
    return path, authority.cert_pem.bytes().decode()


def build() -> Starlette:
    """Return a new simulator, whose staging is served over TLS on its own port until the process ends."""
    platform = Ci360Platform()
    app = with_face(platform)
    with ExitStack() as stack:
        pem, platform.authority = certificate(Path(mkdtemp(prefix="ci360-")))
        url = stack.enter_context(running(app, certificate=pem))
        pem.unlink()  # already loaded, and nobody else needs the key
        platform.files_url = url.replace("127.0.0.1", _HOST)
        platform.server = stack.pop_all()  # kept: if it were collected, the server would stop
    return app
