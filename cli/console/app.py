"""The console's pages, made of the source as it is now; only the examination and who needs a person are kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

import activation.report
from activation.ledger.orders import ORDERED
from activation.report.page import details, summary, title
from activation.report.page_tables import mirrored
from botocore.exceptions import BotoCoreError, ClientError
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from cli.console.actions import ACTIONS, ActionName, ActionText, offered
from cli.console.audience_view import audience_view
from cli.console.confirmations import Asked, Confirmations
from cli.console.guard import Guard
from cli.console.source import ConsoleSource, RefusedError
from cli.console.wording import FILTERS, cure, urgency
from cli.runs.actions import needs_new_drop, why_in_vain
from cli.runs.listing import Wanted
from cli.runs.rows import OPEN
from cli.runs.wrong_drops import SENT, put_right

if TYPE_CHECKING:
    from activation.platforms.platform import Finding
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from cli.runs.rows import RunRow

HERE = Path(__file__).parent
REPORT = Path(activation.report.__path__[0])
PAGES = (
    ("/", "Runs"),
    ("/files", "Files"),
    ("/audiences", "Audiences"),
    ("/platforms", "Platforms"),
    ("/queues", "Queues"),
)
ASSETS = {
    "htmx.min.js": (HERE / "assets", "text/javascript"),
    "pico.min.css": (HERE / "assets", "text/css"),
    "console.css": (HERE / "assets", "text/css"),
    "icon.svg": (HERE / "assets", "image/svg+xml"),
    "LICENSES.txt": (HERE / "assets", "text/plain"),
    "run.css": (REPORT, "text/css"),
}
STATES = ("running", "waiting", "accepted", "applied", "empty", "superseded", "failed", "blocked")
SPANS = (("1", "in the last day"), ("7", "in 7 days"), ("30", "in 30 days"), ("", "at any time"))
SHOWN = 50
NEEDS_DAYS = 7  # for how long the first page names a run that needs a person
NEEDS_S = (
    20.0  # for how long their list is shown again: the page asks every 4 s, and it reads all runs of those days
)
NEEDS_SHOWN = 20
SENT_READ = 5_000  # runs that may have put a failed one right
EXAMINED_S = 300.0  # for how long an examination is shown again: it asks the platforms


@dataclass
class Console:
    """The handlers of the pages over a `source`; `clock` returns Unix seconds."""

    source: ConsoleSource
    clock: Callable[[], float] = time.time
    confirmations: Confirmations = field(default_factory=Confirmations)
    examined: tuple[float, Mapping[str, Any]] | None = None
    needing: dict[str, tuple[float, Sequence[RunRow]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
        )
        self._templates.filters |= FILTERS
        self._templates.globals |= {"pages": PAGES, "cure": cure}

    def _page(self, name: str, here: str = "", status: int = 200, **values: Any) -> Response:
        template = self._templates.get_template(name)
        told = {"whose": self.source.whose, "here": here, "now": self.clock(), **values}
        return HTMLResponse(template.render(told), status)

    def runs(self, request: Request) -> Response:
        """Show the list of runs, with a filter."""
        query = request.query_params
        found = self._listed(query, afresh=True)
        still, moving = (f"/?{urlencode({**query, 'live': value})}" for value in ("off", "on"))
        return self._page(
            "runs.html",
            "/",
            connectors=sorted(self.source.connectors),
            states=STATES,
            spans=SPANS,
            query={name: query.get(name, "") for name in ("connector", "audience", "state")}
            | {"days": query.get("days", "7")},
            live=query.get("live") != "off",
            fragment=f"/runs?{urlencode(dict(query))}",
            still=still,
            moving=moving,
            **found,
        )

    def runs_table(self, request: Request) -> Response:
        """Return the list alone, for the page that shows it."""
        return self._page("runs_table.html", **self._listed(request.query_params))

    def _listed(self, query: Mapping[str, str], *, afresh: bool = False) -> dict[str, Any]:
        days = query.get("days", "7")
        since = self.clock() - 86_400 * int(days) if days.isdigit() and len(days) < 5 else 0.0
        state = query.get("state", "")
        if state not in ("", *STATES):
            raise HTTPException(400, f"there is no state {state}")
        wanted = Wanted(
            connector=query.get("connector", ""), audience=query.get("audience", ""), state=state, since=since
        )
        rows = self.source.runs(wanted, SHOWN)
        return {
            "rows": rows,
            "asked": self.source.asked(rows),
            "undos": self.source.undos(rows),
            "needs": self._needing(wanted.connector, afresh=afresh),
            "summary": _summary(rows),
        }

    def _needing(self, connector: str, *, afresh: bool = False) -> Sequence[RunRow]:
        """Return the runs of a connector, or of all, that need a person, the blocked ones first.

        With `afresh` they are read now: a person who opens the page expects it to be true.
        """
        now = self.clock()
        at, found = self.needing.get(connector, (0.0, ()))
        if afresh or now - at >= NEEDS_S:
            since = now - 86_400 * NEEDS_DAYS
            wanted = Wanted(connector=connector, any_of=("blocked", "failed"), since=since)
            needs = [run for run in self.source.runs(wanted, NEEDS_SHOWN) if run.code not in ORDERED]
            found = sorted(self._not_put_right(needs, connector), key=lambda run: run.state)
            self.needing[connector] = now, found
        return found

    def _not_put_right(self, needs: Sequence[RunRow], connector: str) -> Sequence[RunRow]:
        """Return the runs but for those of a wrong file that was put right and sent since."""
        failed = [one.started_at for one in needs if one.state == "failed"]
        if not failed:
            return needs
        sent = self.source.runs(Wanted(connector=connector, any_of=SENT, since=min(failed)), SENT_READ)
        right = put_right(needs, sent)
        return [one for one in needs if one.run_id not in right]

    def run(self, request: Request) -> Response:
        """Show one run."""
        found = self._run(request.path_params["run_id"])
        return self._page(
            "run.html", live=request.query_params.get("live") != "off", title=title(found["run"].receipt), **found
        )

    def run_now(self, request: Request) -> Response:
        """Return what became of a run so far, for the page that shows it."""
        return self._page("run_now.html", **self._run(request.path_params["run_id"]))

    def _run(self, run_id: str) -> dict[str, Any]:
        run = self.source.run(run_id)
        actions = {name: (subject, text) for name, subject, text in offered(run)}
        no_undo = self.source.why_no_undo(run) if ActionName.UNDO in actions else ""
        if no_undo:
            del actions[ActionName.UNDO]
        return {
            "run": run,
            "actions": [(name, subject, text) for name, (subject, text) in actions.items()],
            "no_undo": no_undo,
            "in_vain": why_in_vain(run.row) if needs_new_drop(run.row) else "",
            "summary": summary(run.receipt),
            "details": details(run.receipt, self.source.places(run)),
        }

    def files(self, request: Request) -> Response:
        """Show the files that no run reads, or ask whether to compare the buckets now."""
        known = request.query_params.get("now") == "yes"
        found = self.source.unread_files() if known else []
        return self._page("files.html", "/files", files_known=known, files=found)

    def files_now(self, _: Request) -> Response:
        """Return the files alone."""
        return self._page("files_now.html", files=self.source.unread_files())

    def audiences(self, _: Request) -> Response:
        """Show the audiences with their sizes."""
        return self._page(
            "audiences.html", "/audiences", audiences=list(map(audience_view, self.source.audiences()))
        )

    def platforms(self, request: Request) -> Response:
        """Show the newest examination, or begin one."""
        again = request.query_params.get("now") == "yes"
        at, findings = self._examine() if again else self.examined or (0.0, {})
        fresh = findings if self.clock() - at < EXAMINED_S else {}
        return self._page("platforms.html", "/platforms", findings=fresh, examined_at=at)

    def platforms_now(self, _: Request) -> Response:
        """Examine, and return what was found alone."""
        at, findings = self._examine()
        return self._page("platforms_now.html", findings=findings, examined_at=at)

    def _examine(self) -> tuple[float, Mapping[str, Sequence[Finding]]]:
        found = self.source.findings()
        self.examined = self.clock(), {name: sorted(of, key=urgency) for name, of in found.items()}
        return self.examined

    def queues(self, _: Request) -> Response:
        """Show queues and dead letters."""
        return self._page("queues.html", "/queues", queues=self.source.queues())

    def ask(self, request: Request) -> Response:
        """Ask before an action."""
        action, subject, text = self._meant(request)
        receipt = self.source.run(subject).receipt if text.of_run else None
        foreseen = self.source.foresee(action, subject)
        token = self.confirmations.ask(Asked(action, subject))
        return self._page(
            "confirm.html",
            action=action,
            subject=subject,
            text=text,
            question=text.question.format(subject=subject),
            foreseen=foreseen,
            of=title(receipt) if receipt else subject,
            change=mirrored(receipt.get("mirror")) if receipt else None,
            token=token,
            back=f"/runs/{subject}" if text.of_run else "/queues",
        )

    def act(self, request: Request, token: str) -> Response:
        """Do what was confirmed, and say what was done."""
        action, subject, text = self._meant(request)
        back = f"/runs/{subject}" if text.of_run else "/queues"
        asked = self.confirmations.redeem(token, action)
        if asked is None or asked.subject != subject:
            said = "This question was answered already, or is too old. Nothing was done now."
            return self._page("done.html", status=409, heading="Not done", sentence=said, back=back)
        said = self.source.act(action, subject)
        self.needing.clear()  # what was acted on shows at once
        return self._page("done.html", heading="Done", sentence=said, back=back)

    def _meant(self, request: Request) -> tuple[ActionName, str, ActionText]:
        try:
            action = ActionName(request.path_params["action"])
        except ValueError:
            raise HTTPException(404, "there is no such action") from None
        subject, text = request.path_params["subject"], ACTIONS[action]
        if not text.of_run and subject not in self.source.connectors:
            raise HTTPException(404, "there is no such connector")
        return action, subject, text

    def failed(self, request: Request, error: Exception) -> Response:
        """Explain why a page cannot be shown; a page that refreshes itself shows the explanation instead."""
        status, sentence = _failure(error)
        if request.headers.get("hx-request"):
            return self._page("failed.html", status=status, sentence=sentence)
        return self._page("done.html", status=status, heading="This did not work", sentence=sentence, back="/")


def _summary(rows: Any) -> str:
    going = sum(run.state in OPEN for run in rows)
    more = f"the newest {SHOWN} are shown" if len(rows) == SHOWN else f"{len(rows)} in all"
    return f"{going} in progress; {more}." if rows else "No run of this kind."


def _failure(error: Exception) -> tuple[int, str]:
    if isinstance(error, HTTPException):
        return error.status_code, str(error.detail)
    if isinstance(error, RefusedError):
        return 404, error.sentence
    if isinstance(error, ClientError):
        told = error.response["Error"]
        return 502, f"AWS answered {told['Code']} to {error.operation_name}."
    return 502, f"AWS cannot be asked: {type(error).__name__}."


def asset(request: Request) -> Response:
    """Return a file that the pages are made with."""
    name = request.path_params["name"]
    if name not in ASSETS:
        raise HTTPException(404, "there is no such file")
    folder, kind = ASSETS[name]
    return FileResponse(folder / name, media_type=kind, headers={"cache-control": "private, max-age=3600"})


def application(source: ConsoleSource, *, port: int, key: str, clock: Callable[[], float] = time.time) -> Guard:
    """Return the console as an ASGI application for this machine's port; `key` is what lets a browser in."""
    console = Console(source, clock)

    async def act(request: Request) -> Response:
        form = parse_qs((await request.body()).decode("latin-1"), max_num_fields=1)
        token = form.get("token", [""])[0]
        return await run_in_threadpool(partial(console.act, request, token))

    routes = [
        Route("/", console.runs),
        Route("/runs", console.runs_table),
        Route("/runs/{run_id}", console.run),
        Route("/runs/{run_id}/now", console.run_now),
        Route("/files", console.files),
        Route("/files/now", console.files_now),
        Route("/audiences", console.audiences),
        Route("/platforms", console.platforms),
        Route("/platforms/now", console.platforms_now),
        Route("/queues", console.queues),
        Route("/do/{action}/{subject}", console.ask),
        Route("/do/{action}/{subject}", act, methods=["POST"]),
        Route("/assets/{name}", asset),
    ]
    kinds = (HTTPException, RefusedError, ClientError, BotoCoreError)
    app: ASGIApp = Starlette(
        routes=routes,
        middleware=[Middleware(GZipMiddleware, minimum_size=500)],
        exception_handlers=dict.fromkeys(kinds, console.failed),
    )
    return Guard(app, port, key)
