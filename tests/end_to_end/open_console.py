"""The console's command as an operator starts it, over a deployed sandbox."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape

import requests

from sandbox.emulator.environment import client_environment
from sandbox.place import ROOT
from sandbox.processes import plain_environment
from tests.end_to_end.driver import Sandbox, until


@dataclass(frozen=True)
class Console:
    """The command as it runs: the address that it printed, and a browser that has opened it."""

    entrance: str
    session: requests.Session

    @property
    def url(self) -> str:
        """Return where the pages are."""
        return self.entrance.partition("/enter")[0]

    def text(self, path: str) -> str:
        """Return what a page says, without its markup."""
        answer = self.session.get(f"{self.url}{path}", timeout=120)
        assert answer.status_code == 200, answer.text
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())

    def confirm(self, path: str) -> str:
        """Do an action by its page, and return what was said."""
        page = self.session.get(f"{self.url}{path}", timeout=60).text
        token = re.search(r'name="token" value="([^"]+)"', page)
        assert token is not None, page
        told = {"Origin": self.url, "Sec-Fetch-Site": "same-origin"}
        return self.session.post(f"{self.url}{path}", data={"token": token[1]}, headers=told, timeout=60).text


@contextmanager
def opened(sandbox: Sandbox) -> Iterator[Console]:
    """Start the command as its user would, in the sandbox's account, and open what it prints."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "cli", "console", "--port", str(port)],
        cwd=ROOT,
        env={**plain_environment(), **client_environment(sandbox.described["aws_endpoint_url"])},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        entrance = process.stdout.readline().removeprefix("open ").strip()
        session = requests.Session()

        def answers() -> bool | None:
            try:
                return session.get(entrance, timeout=30).status_code == 200 or None
            except requests.ConnectionError:
                return None

        try:
            until(answers, 60)
            yield Console(entrance, session)
        finally:
            process.terminate()
