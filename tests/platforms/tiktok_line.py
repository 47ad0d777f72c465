"""The whole line with TikTok's own publisher, and an advertiser's account in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from activation.aws.clients import Clients
from activation.aws.table import ConditionalTable
from activation.platforms.options import complete
from activation.platforms.request import Answer, Request
from activation.runs.cold_start import Connector
from activation.runs.dispatch import Dispatcher
from activation.runs.secret import ConnectorSecret

from lambdas.tiktok.platform import PLATFORM
from tests.unit.line.platform import hashed
from tests.unit.line.watched_aws import Aws
from tests.unit.line.world import World, people

SECRET = {"ACCESS_TOKEN": "tok-123", "ADVERTISER_ID": 7000000000000000001}
LIST = "tiktok/VIP/EMAIL_SHA256/a.csv"


@dataclass
class Advertiser:
    """TikTok as far as a drop needs it: an account's audiences, in pages, and what was called.

    `answers` is a script for the calls it names, each answer used once; what is not in it goes well.
    """

    audiences: list[dict[str, Any]] = field(default_factory=list)
    pages: int = 1
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    timeouts_s: set[float] = field(default_factory=set)

    def send(self, request: Request, *, timeout_s: float) -> Answer:
        """Answer a request."""
        self.requests.append(request)
        self.timeouts_s.add(timeout_s)
        if self.answers.get(request.call):
            return self.answers[request.call].pop(0)
        data: dict[str, Any] = {}
        if request.call == "list":
            number = int(parse_qs(urlsplit(request.url).query)["page"][0])
            data = {
                "list": self.audiences if number == self.pages else [],
                "page_info": {"total_page": self.pages},
            }
        elif request.call == "upload":
            data = {"file_path": f"path-{len(self.requests)}"}
        elif request.call == "create":
            data = {"custom_audience_id": "42"}
            self.audiences.append(audience(json.loads(request.body)["custom_audience_name"]))
        elif request.call == "get":
            data = {"list": [{"audience_details": {"is_valid": True, "cover_num": 5000}}]}
        return said(data)

    @property
    def calls(self) -> list[str]:
        """The calls, in order."""
        return [request.call for request in self.requests]


def said(data: object, code: int = 0, message: str = "OK") -> Answer:
    """Return an answer in TikTok's envelope."""
    body = {"code": code, "message": message, "request_id": "req-1", "data": data}
    return Answer(200, {}, json.dumps(body).encode())


def audience(name: str = "VIP") -> dict[str, Any]:
    """Return an audience as the list shows it, ready to be changed."""
    return {
        "audience_id": "42",
        "name": name,
        "audience_type": "Customer File Audience",
        "calculate_type": "EMAIL_SHA256",
        "is_creator": True,
        "shared": False,
        "is_valid": True,
    }


class Line(World):
    """The line, from message to receipt, with TikTok's publisher and an advertiser at its end."""

    def __init__(self, **more: Any) -> None:
        self.advertiser = Advertiser()
        super().__init__(Aws.in_memory(), **more)
        self.aws.secrets.put_secret_value(SecretId=self.secret, SecretString=json.dumps(SECRET))
        self.name = "tiktok"
        self.settings = replace(self.settings, connector="tiktok")
        self.restart()

    def process(self) -> Dispatcher:
        """Start the function anew, with TikTok's platform."""
        clients = Clients(
            s3=self.aws.s3,
            sqs=self.aws.sqs,
            events=self.aws.events,
            table=ConditionalTable(self.aws.dynamodb, "ledger"),
        )
        secret = ConnectorSecret(
            PLATFORM,
            self.aws.secrets,
            self.secret,
            table=clients.table,
            http=self.advertiser,
            options=complete(PLATFORM.options, self.settings.options),
            any_endpoint=True,
            clock=self.clock,
        )
        return Dispatcher(
            Connector(
                PLATFORM,
                self.settings,
                clients,
                secret,
                self.advertiser,
                clock=self.clock,
                sleep=self.clock.pass_s,
            )
        )

    def digests(self, count: int, key: str = LIST) -> str:
        """Put a list of hashed addresses; returns its message."""
        return self.event(self.put("".join(f"{hashed(one)}\n" for one in people(count)), key))
