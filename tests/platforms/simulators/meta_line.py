"""The whole line in memory, with the simulated Meta at its end over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from activation.aws.clients import Clients
from activation.aws.table import ConditionalTable
from activation.platforms.http import AnswerLost, Http, NotSent, PooledHttp
from activation.platforms.options import complete
from activation.platforms.request import Answer, Request
from activation.runs.cold_start import Connector
from activation.runs.dispatch import Dispatcher
from activation.runs.secret import ConnectorSecret

from lambdas.meta.platform import PLATFORM
from sandbox.platforms.outside import Outside
from tests.unit.line.platform import hashed
from tests.unit.line.watched_aws import Aws
from tests.unit.line.world import World

ROWS_A_REQUEST = 10
APART_S = 16 * 60  # files below one replace that are written closer to each other are taken to be parts of one
RUN_OUT_S = 91 * 60  # more than the ninety minutes of a session


class GuardedHttp:
    """A connection whose every call is an effect, before or after which the process may be killed."""

    def __init__(self, http: Http, line: MetaLine) -> None:
        self._http, self._line = http, line

    def send(self, request: Request, *, timeout_s: float) -> Answer:
        """Send a request, count the answers that were lost, and give the answer."""
        self._line.aws.fuse.begin(request.call)
        try:
            return self._http.send(request, timeout_s=timeout_s)
        except (AnswerLost, NotSent):
            self._line.lost += 1
            raise
        finally:
            self._line.aws.fuse.end()


class MetaLine(World):
    """The line with the simulated Meta at its end; the time that passes here passes there."""

    def __init__(self, meta: Outside, *, in_flight: int = 2, options: Mapping[str, str] | None = None) -> None:
        self.meta, self.lost = meta, 0
        super().__init__(Aws.in_memory())
        secret = {**meta.secret(), "endpoint": meta.base_url}
        self.aws.secrets.put_secret_value(SecretId=self.secret, SecretString=json.dumps(secret))
        self.name = "meta"
        self.settings = replace(
            self.settings,
            connector="meta",
            max_rows_per_request=ROWS_A_REQUEST,
            requests_in_flight=in_flight,
            options=dict(options or {}),
        )
        pass_here = self.clock.pass_s

        def pass_s(seconds: float) -> None:
            pass_here(seconds)
            meta.advance(seconds)

        self.clock.pass_s = pass_s  # type: ignore[method-assign]  # one time for both
        self.restart()

    def process(self) -> Dispatcher:
        """Start the function anew, with Meta's platform and a connection to the simulator."""
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

    def message(
        self,
        emails: Iterable[str],
        action: str = "replace",
        file: str = "a.csv",
        at: str = "",
        after_s: float = APART_S,
    ) -> str:
        """Put a file of addresses after some seconds, and return its message, which says that it was put `at`."""
        self.clock.pass_s(after_s)
        text = "email\n" + "".join(f"{one}\n" for one in emails)
        item = self.put(text, f"meta/VIP/raw/{action}/{file}")
        return self.event(item, **({"time": at} if at else {}))

    def deliver(self, emails: Iterable[str], action: str = "replace", file: str = "a.csv") -> dict[str, Any]:
        """Drop a file, see it through, and return its receipt."""
        before = {one["run_id"] for one in self.receipts()}
        self.run(self.message(emails, action, file))
        (receipt,) = [one for one in self.receipts() if one["run_id"] not in before]
        return receipt

    def held(self) -> set[str]:
        """Return the hashes that the audience holds."""
        return {cell for member in self.meta.audience("VIP")["members"] for cell in member}

    def batches(self) -> list[tuple[str, int, bool]]:
        """Return session, number and last flag of each batch of a replace that Meta has applied, in order."""
        return [
            (one["note"]["session_id"], one["note"]["batch_seq"], one["note"]["last_batch_flag"])
            for one in self.meta.requests("/usersreplace")
            if one["applied"]
        ]


def digests(emails: Iterable[str]) -> set[str]:
    """Return what Meta should hold of these people."""
    return {hashed(one) for one in emails}
