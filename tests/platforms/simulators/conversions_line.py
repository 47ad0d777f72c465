"""The whole line in memory, with the simulated Conversions API at its end over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from activation.aws.clients import Clients
from activation.aws.table import ConditionalTable
from activation.platforms.http import AnswerLost, Http, NotSent, PooledHttp
from activation.platforms.options import Value, complete
from activation.platforms.request import Answer, Request
from activation.runs.cold_start import Connector
from activation.runs.dispatch import Dispatcher
from activation.runs.secret import ConnectorSecret

from lambdas.meta_conversions.platform import PLATFORM
from sandbox.platforms.meta.settings import DEFAULT_DATASET
from sandbox.platforms.outside import Outside
from tests.unit.line.watched_aws import Aws
from tests.unit.line.world import World

HEADER = ("event_name", "event_time", "action_source", "order_id", "value", "currency", "email")


class GuardedHttp:
    """A connection whose every call is an effect, before or after which the process may be killed."""

    def __init__(self, http: Http, line: ConversionsLine) -> None:
        self._http, self._line = http, line

    def send(self, request: Request, *, timeout_s: float) -> Answer:
        """Send a request, count the answers that were lost, and give the answer."""
        self._line.aws.fuse.begin(request.call)
        try:
            answer = self._http.send(request, timeout_s=timeout_s)
            self._line.applied += answer.status == 200
            return answer
        except (AnswerLost, NotSent):
            self._line.lost += 1
            raise
        finally:
            self._line.calls += 1
            if self._line.calls in self._line.dies_after:
                self._line.aws.fuse.at, self._line.aws.fuse.after = self._line.aws.fuse.count, True
            self._line.aws.fuse.end()


class ConversionsLine(World):
    """The line with the simulated Conversions API at its end; the time that passes here passes there."""

    def __init__(
        self,
        meta: Outside,
        *,
        in_flight: int = 2,
        max_rows: int = 10,
        options: Mapping[str, Value] | None = None,
        columns: Mapping[str, str] | None = None,
        secret: str = "",
    ) -> None:
        self.meta, self.lost, self.applied, self.calls = meta, 0, 0, 0
        self.dies_after: set[int] = set()  # calls after whose answer the process is killed, by their number
        super().__init__(Aws.in_memory())
        text = secret or json.dumps({**meta.secret(), "endpoint": meta.base_url})
        self.aws.secrets.put_secret_value(SecretId=self.secret, SecretString=text)
        self.name = "shop"
        self.settings = replace(
            self.settings,
            connector="shop",
            max_rows_per_request=max_rows,
            requests_in_flight=in_flight,
            options=dict(options or {}),
            columns=dict(columns or {}),
        )
        pass_here = self.clock.pass_s

        def pass_s(seconds: float) -> None:
            pass_here(seconds)
            meta.advance(seconds)

        self.clock.pass_s = pass_s  # type: ignore[method-assign]  # one time for both
        self.clock.now = meta.state(members=False)["time"]
        self.restart()

    def process(self) -> Dispatcher:
        """Start the function anew, with the platform and a connection to the simulator."""
        clients = Clients(
            s3=self.aws.s3,
            sqs=self.aws.sqs,
            events=self.aws.events,
            table=ConditionalTable(self.aws.dynamodb, "ledger"),
        )
        http = GuardedHttp(PooledHttp(connections=4), self)
        secret = ConnectorSecret(
            PLATFORM,
            self.aws.secrets,
            self.secret,
            table=clients.table,
            http=http,
            options=complete(PLATFORM.options, self.settings.options),
            any_endpoint=True,
            clock=self.clock,
        )
        return Dispatcher(
            Connector(PLATFORM, self.settings, clients, secret, http, clock=self.clock, sleep=self.clock.pass_s)
        )

    def time(self, ago_s: float = 3600.0) -> str:
        """Return a time so long ago, as ISO 8601 in UTC."""
        return datetime.fromtimestamp(self.clock.now - ago_s, tz=UTC).isoformat(timespec="seconds")

    def sale(self, number: int, ago_s: float = 3600.0, **cells: str) -> dict[str, str]:
        """Return the cells of a sale in a shop."""
        usual = {
            "event_name": "purchase",
            "event_time": self.time(ago_s),
            "action_source": "store",
            "order_id": f"A-{number}",
            "value": "12.50",
            "currency": "EUR",
            "email": f"person{number}@example.com",
        }
        return usual | cells

    def message(
        self,
        rows: Iterable[Mapping[str, str]],
        *,
        dataset: str = "sales",
        file: str = "day.csv",
        header: Iterable[str] = (),
    ) -> str:
        """Put a file of events and return its message."""
        lines = list(rows)
        names = tuple(header) or tuple(dict.fromkeys(name for one in lines for name in one))
        text = "\n".join([",".join(names), *(",".join(one.get(name, "") for name in names) for one in lines)])
        return self.event(self.put(f"{text}\n", f"shop/{dataset}/events/{file}"))

    def deliver(self, rows: Iterable[Mapping[str, str]], **how: Any) -> dict[str, Any]:
        """Drop a file of events, see it through, and return its receipt."""
        before = {one["run_id"] for one in self.receipts()}
        self.run(self.message(rows, **how))
        (receipt,) = [one for one in self.receipts() if one["run_id"] not in before]
        return receipt

    def counted(self, dataset: str = DEFAULT_DATASET) -> list[dict[str, Any]]:
        """Return the events that count in a dataset, as they were sent."""
        found: list[dict[str, Any]] = self.meta.audience(dataset)["members"]
        return found

    def dataset(self, dataset: str = DEFAULT_DATASET) -> dict[str, Any]:
        """Return a dataset's counts."""
        found = [one for one in self.meta.state(members=False)["audiences"] if one["id"] == dataset]
        return found[0] if found else {"received": 0, "counted": 0, "doubles": 0}
