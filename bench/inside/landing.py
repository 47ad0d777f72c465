"""One transfer in a process of its own, as in CI360's function: a file in over TLS, one object out over TLS.

`landing.py URL AUTHORITY`: both far ends are at URL (see bench.inside.far_end). The function's records are kept in
memory; everything else is the function's own, with the client settings of its entry point.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from botocore.config import Config
from botocore.session import get_session

from bench.inside.meter import metered
from lambdas.ci360 import transfer
from lambdas.ci360.links import AllowedHosts
from lambdas.ci360.messages import message
from lambdas.ci360.occurrences import Occurrence, Occurrences, State
from lambdas.ci360.settings import TransferSettings
from lambdas.ci360.source import Source
from lambdas.ci360.storage import Storage
from lambdas.ci360.transferring import Transfers

KEY = "ci360/people_run.csv"


class Kept(Occurrences):
    """The function's only record, in memory."""

    def __init__(self, occurrence: Occurrence) -> None:
        self.kept = occurrence
        self.saves = 0

    def read(self, key: str) -> Occurrence | None:
        """Return the record."""
        return self.kept

    def claim(self, key: str) -> Occurrence:
        """Claim the record."""
        return self.kept

    def save(self, occurrence: Occurrence, *, release: bool = False) -> None:
        """Save the record."""
        self.kept = occurrence
        self.saves += 1

    def renew(self, occurrence: Occurrence) -> None:
        """Renew the lease, which nobody else wants."""


class Told:
    """A queue and a bus that discard their messages and events."""

    def send_message(self, **_: Any) -> None:
        """Accept a message."""

    def put_events(self, **_: Any) -> dict[str, int]:
        """Accept an event."""
        return {"FailedEntryCount": 0}


def prepared(url: str, authority: Path) -> Callable[[], dict[str, Any]]:
    """Return a function that lands the file and returns its row count; clients exist already, as at a start."""
    trusted = authority.read_text(encoding="utf-8")
    hosts = AllowedHosts.of([], url.removeprefix("https://"))
    settings = TransferSettings(
        table="",
        queue_url="",
        dead_letter_queue_url="",
        bucket="bucket",
        bus="",
        hosts=hosts,
        laptop_ca=trusted,
        landing_header=True,
        max_file_bytes=10**12,
        deadline_s=3600,
        keep_days=1,
    )
    records = Kept(
        Occurrence(
            KEY,
            occurrence_id="run",
            data_link=f"{url}/data",
            metadata_link=f"{url}/metadata",
            accepted_at=time.time(),
        )
    )
    transfers = Transfers(
        settings=settings,
        occurrences=records,
        source=Source(hosts, laptop_ca=trusted),
        storage=Storage(_s3(url, authority), settings.bucket),
        sqs=cast("Any", Told()),
        events=cast("Any", Told()),
        log=logging.getLogger("ci360"),
    )

    def land() -> dict[str, Any]:
        state = transfers.advance(message(KEY), time_left_s=lambda: 900.0)
        if state is not State.LANDED:
            raise SystemExit(f"{state}: {records.kept.code} {records.kept.sentence}")
        return {"rows": records.kept.rows, "parts": records.kept.part - 1, "saves": records.saves}

    return land


def _s3(url: str, authority: Path) -> Any:
    session = get_session()
    session.set_credentials("bench", "bench")
    own: Any = transfer._CONFIG
    by_path: Any = {**own.s3, "addressing_style": "path"}  # `localhost` has no subdomains
    config = own.merge(Config(s3=by_path))
    return session.create_client(
        "s3", endpoint_url=url, region_name="us-east-1", config=config, verify=str(authority)
    )


if __name__ == "__main__":
    metered(prepared(sys.argv[1], Path(sys.argv[2])))
