"""Sending the prepared spans of a run: several requests in flight, each acknowledged in the ledger by itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from activation.errors import ConfigError, Rejected, Retryable
from activation.ledger.runs import HeldRun
from activation.ledger.shared_saves import SharedSaves
from activation.model import Audience
from activation.pipeline.acknowledgements import Acknowledgements
from activation.pipeline.batching import Prepared
from activation.pipeline.client import OutOfTime, PlatformClient
from activation.pipeline.further import uploads_of
from activation.pipeline.slots import Slots
from activation.pipeline.upload_client import (
    Destination,
    Everybody,
    Suppressing,
    Untimely,
    UploadClient,
    all_in_time,
)
from activation.pipeline.uploading import Uploader
from activation.pipeline.uploads import are_disjoint, chains_of, unit_of
from activation.platforms.limits import Limits
from activation.platforms.upload import Batch, Upload
from activation.report.rejects import Rejects

# The most units acknowledged beyond one that is not yet: the ledger's record names each of them and is written
# after each, so it must stay small.
AHEAD_MAX = 300
# How many seconds a thread may compute while others wait: at Python's default of 5 ms, an answer that has arrived
# waits several times for the thread that reads the next rows.
SWITCH_S = 0.0003


@dataclass
class Sender:
    """Sends one run's batches.

    `run_id` is the run's and `held` its record. `audience` is where the people go, `destination` that audience at
    the platform, which is opened only once there is something to send. `client` sends the requests, `rejects`
    keeps what was refused. `slots` says how many requests may be in flight, `limits` are the platform's as the
    settings narrow them. `untimely` returns the lines of an upload that may not be sent now, each with its code.
    `repeats` says that all of it was sent before. `suppression` keeps suppressed people out of it.

    The ledger is written before a request's slot is given to the next one, so a crash can repeat only what was in
    flight. The platform is asked about units in doubt (in flight when an earlier worker died, or never answered)
    before they are sent.
    """

    run_id: str
    held: HeldRun
    audience: Audience
    destination: Destination
    client: PlatformClient
    rejects: Rejects
    slots: Slots
    limits: Limits
    untimely: Untimely = all_in_time
    repeats: bool = False
    suppression: Suppressing = field(default_factory=Everybody)

    def __post_init__(self) -> None:
        self._saves = SharedSaves(self.held, self.slots.patience_s)
        self._acknowledgements = Acknowledgements(self._saves, self.rejects)
        uploads = UploadClient(
            self.client, self.audience, self.destination, self.limits, self.untimely, self.suppression
        )
        self._uploader = Uploader(self.held, uploads, self._acknowledgements, self.repeats)

    def send(self, spans: Iterable[Prepared]) -> bool:
        """Send every span; return True at their end, False when time ran out first.

        Raises the error of a failed request after those in flight have ended. Of several errors, including one of
        reading the file, the one that stops the run for good is raised before one that a wait may cure.
        """
        sys.setswitchinterval(SWITCH_S)
        pending: set[Future[None]] = set()
        with ThreadPoolExecutor(self.slots.limits.most, thread_name_prefix="send") as pool:
            try:
                return self._feed(pool, pending, spans)
            finally:
                _drain(pending)

    def _feed(self, pool: ThreadPoolExecutor, pending: set[Future[None]], spans: Iterable[Prepared]) -> bool:
        """Keep as many uploads in `pending` as there are slots, in order.

        Return False when one failed or time ran out.
        """
        self.slots.making()
        begun = map(self._begin, spans)
        for chains in _last_marked(begun) if self.limits.session_of(self.audience.action) else begun:
            if chains:
                self.slots.made()  # now, since the platform is waited for next
                self.destination.open()
            while chains:
                self.slots.made()
                while self._must_wait(pending, last=chains[0][-1].last):
                    if not _settle(pending):
                        return False
                if not self.client.has_time:
                    return False
                with self.held.lock:
                    in_doubt = self.held.run.progress.doubt(unit_of(chains[0][0]), begin=True)
                pending.add(pool.submit(self._deliver, chains.pop(0), in_doubt))
                self.slots.making()
            # With one request in flight, requests are large: do not read a second while the first is held.
            if self.slots.limits.most == 1 and pending and not _settle(pending):
                return False
            if not self.client.has_time:
                return False
        return True

    def _deliver(self, chain: Sequence[Upload], in_doubt: bool) -> None:
        """Deliver a chain, and report for how long each of its uploads has held the slot."""
        began = time.monotonic()
        with self._saves.sending():
            self._uploader.deliver(chain, in_doubt)
        # A body is mostly its cells, which are texts on the wire, too.
        self.slots.answered((time.monotonic() - began) / len(chain), max(one.columns.nbytes for one in chain))

    def _must_wait(self, pending: set[Future[None]], *, last: bool) -> bool:
        """Return whether the next upload has to wait for one in flight.

        For its slot, for the cursor to advance, for the audience that the first upload creates, or, as the `last`
        of a session, for all others.
        """
        if last:
            return bool(pending)
        far_ahead = len(self.held.run.progress.checkpoint.ahead) >= AHEAD_MAX
        if len(pending) >= self.slots.allowed(len(pending)):
            return True
        return bool(pending) and (far_ahead or self.destination.open().by_upload)

    def _begin(self, prepared: Prepared) -> list[list[Upload]]:
        """Note a span, and return the uploads of its batch that are not acknowledged yet, as chains.

        Each chain is sent one after the other, because its uploads depend on each other.
        """
        span = prepared.span
        self.rejects.write_ours(span.first_row, prepared.rejected)
        uploads: Sequence[Upload] = ()
        disjoint = True
        if prepared.columns.num_rows:
            batch = Batch(self.run_id, span.first_row, span.last_row, prepared.columns, prepared.rows)
            uploads = uploads_of(self.client.publisher, batch, prepared.further)
            disjoint = are_disjoint(batch, uploads)
        return chains_of(self._acknowledgements.begin(prepared, uploads, disjoint=disjoint))


def _last_marked(begun: Iterable[list[list[Upload]]]) -> Iterator[list[list[Upload]]]:
    """Yield the chains, holding one back until another follows; the last one comes alone, marked as the last."""
    held: list[list[Upload]] = []
    for chains in begun:
        ready, held = ([*held, *chains[:-1]], chains[-1:]) if chains else ([], held)
        yield ready
    if held:
        (chain,) = held
        yield [[*chain[:-1], replace(chain[-1], last=True)]]


def _settle(pending: set[Future[None]]) -> bool:
    """Wait until an upload has ended and remove those that succeeded; return False when one failed."""
    done, _ = wait(pending, return_when=FIRST_COMPLETED)
    failed = {one for one in done if one.exception() is not None}
    pending -= done - failed
    return not failed


def _drain(pending: set[Future[None]]) -> None:
    """Wait for all; raise the error that stops the run for good before one that a wait may cure."""
    wait(pending)
    errors = [error for one in pending if (error := one.exception()) is not None]
    if errors:
        raise min(errors, key=_urgency)


def _urgency(error: BaseException) -> int:
    order: Mapping[type[BaseException], int] = {ConfigError: 1, Rejected: 2, Retryable: 3, OutOfTime: 4}
    return order.get(type(error), 0)
