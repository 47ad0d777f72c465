"""One file into its bucket: claimed, brought in, landed and told of, or ended with a reason."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from activation.aws.dead_letters import send_to_dead_letters
from activation.aws.lease import LeaseLost
from activation.errors import ActivationError, ConfigError, Rejected, Retryable
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.ci360.fetching import Fetch, InvocationEnding
from lambdas.ci360.messages import message, read_key
from lambdas.ci360.notices import announce
from lambdas.ci360.occurrences import FINAL, Occurrence, Occurrences, State
from lambdas.ci360.settings import TransferSettings
from lambdas.ci360.source import Source
from lambdas.ci360.storage import Storage, UploadGone, Whole

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_sqs.client import SQSClient

MARGIN_S = 40.0  # of the invocation, for the parts on their way and the record
MAX_IDLE = 3  # whole invocations in which not one part came together: 6 MiB in five minutes is no transfer
MAX_RESTARTS = 2  # of an upload that was lost; what loses it every time is nothing to wait for
MAX_DELAY_S = 900  # SQS's own limit for a message


@dataclass(frozen=True)
class Transfers:
    """Brings files forward, one message at a time. Made once per cold start.

    `storage` is the drops bucket, `sas_files` the bucket of SAS's files, None where the settings have none.
    """

    settings: TransferSettings
    occurrences: Occurrences
    source: Source
    storage: Storage
    sqs: SQSClient
    events: EventBridgeClient
    log: logging.Logger
    clock: Callable[[], float] = time.time
    sas_files: Storage | None = None

    @property
    def queue_url(self) -> str:
        """Return the URL of the queue that the messages come from."""
        return self.settings.queue_url

    def handle(self, body: str, context: LambdaContext) -> None:
        """Advance the file of one message; raises as `advance` does."""
        self.advance(body, time_left_s=lambda: context.get_remaining_time_in_millis() / 1000)

    def advance(self, body: str, *, time_left_s: Callable[[], float]) -> State | None:
        """Advance the file of one message; returns its state, None when the message names none.

        Raises lease.LeaseHeld and LeaseLost, Retryable and ConfigError; then the message must come back.
        """
        key = read_key(body)
        known = self.occurrences.read(key) if key else None
        if known is None:
            self._send_to_dead_letters(body, Rejected("not_understood", "the message names no file of this app"))
            self.log.error("message refused")
            return None
        occurrence = self.occurrences.claim(known.key)
        if occurrence.state in FINAL:
            return occurrence.state
        began = time.monotonic()
        try:
            occurrence = self._advanced(occurrence, time_left_s)
        except (ActivationError, ClientError, BotoCoreError):
            # Else the message, which returns, would wait for this worker as for one that is still at work.
            with suppress(ActivationError, LeaseLost):
                self.occurrences.release(occurrence)
            raise
        self._log(occurrence, time.monotonic() - began)
        return occurrence.state

    def _advanced(self, occurrence: Occurrence, time_left_s: Callable[[], float]) -> Occurrence:
        """Take a turn, and end the file or send the message that goes on; returns the occurrence as recorded."""
        try:
            return self._turn(occurrence, time_left_s)
        except Rejected as error:
            return self._failed(self._as_recorded(occurrence), error)
        except (InvocationEnding, Retryable, UploadGone) as error:
            return self._go_on(occurrence, error)

    def _turn(self, occurrence: Occurrence, time_left_s: Callable[[], float]) -> Occurrence:
        if not occurrence.uploaded and self.clock() > occurrence.accepted_at + self.settings.deadline_s:
            raise Rejected("deadline", "the file could not be brought in before its deadline")
        fetch = Fetch(
            occurrence,
            self.occurrences,
            self.source,
            self._storage(occurrence),
            with_header=self.settings.landing_header or bool(occurrence.connector),
            max_bytes=self.settings.max_file_bytes,
            time_left_s=lambda: time_left_s() - MARGIN_S,
        )
        fetched = fetch.run()
        self.occurrences.renew(fetched)  # S3 may take a while to put the parts of a large file together
        return self._land(fetched, fetch.small)

    def _land(self, fetched: Occurrence, small: bytearray | None) -> Occurrence:
        """Let the file appear under its key, and tell; each step may be repeated."""
        whole = Whole(fetched.written_bytes, fetched.crc32, fetched.metadata)
        key, storage = fetched.object_key, self._storage(fetched)
        if small is not None:
            version = storage.put(key, small, whole)
        else:
            version = storage.complete(key, fetched.upload_id, fetched.part - 1, whole)
        landed = replace(fetched, state=State.LANDED, upload_id="", landed_version=version, code="", sentence="")
        announce(self.events, self.settings.bus, landed, storage.bucket)
        self.occurrences.save(landed)
        return landed

    def _as_recorded(self, held: Occurrence) -> Occurrence:
        """Return the record as it is by now, when it still is this worker's."""
        recorded = self.occurrences.read(held.key)
        return recorded if recorded is not None and recorded.fence == held.fence else held

    def _go_on(self, before: Occurrence, error: InvocationEnding | Retryable | UploadGone) -> Occurrence:
        """Release the lease and send the message that goes on, now or after a while."""
        now = self._as_recorded(before)
        after_s = 0.0
        if isinstance(error, Retryable):
            now = replace(now, code=error.code, sentence=error.sentence)
            after_s = error.after_s
        elif isinstance(error, UploadGone):
            # The bucket's lifecycle rule ended the upload, or somebody did: from the beginning.
            self._abandon(now)
            now = replace(
                now, upload_id="", etag="", size_bytes=0, offset=0, part=1, rows=0, written_bytes=0, crc32=0,
                restarts=now.restarts + 1,
            )  # fmt: skip
        else:
            now = replace(now, idle=0 if now.part != before.part else now.idle + 1)
        if now.restarts > MAX_RESTARTS:
            return self._failed(now, Rejected("upload_lost", "the upload was lost again and again, part by part"))
        if now.idle >= MAX_IDLE:
            return self._failed(
                now, Rejected("too_slow", "the file comes too slowly: no part of it in a whole turn")
            )
        # Before the lease is released: a message too many does nothing, one too few would be the end of the file.
        self.sqs.send_message(
            QueueUrl=self.settings.queue_url,
            MessageBody=message(now.key),
            DelaySeconds=min(max(round(after_s), 1), MAX_DELAY_S),  # not before the lease is released
        )
        self.occurrences.save(now, release=True)
        return now

    def _failed(self, occurrence: Occurrence, error: Rejected) -> Occurrence:
        """End it for good: nothing of the file stays, the reason does, and a person is told."""
        failed = replace(occurrence, state=State.FAILED, code=error.code, sentence=error.sentence)
        self._abandon(occurrence)
        announce(self.events, self.settings.bus, failed, self._storage(failed).bucket)
        self._send_to_dead_letters(message(occurrence.key), error)
        self.occurrences.save(failed)
        return failed

    def _abandon(self, occurrence: Occurrence) -> None:
        """Remove the parts of its upload; raises LeaseLost when another worker goes on with them."""
        self.occurrences.renew(occurrence)
        self._storage(occurrence).abandon(occurrence.object_key, occurrence.upload_id)

    def _storage(self, occurrence: Occurrence) -> Storage:
        """Return the bucket that the file goes to; raises ConfigError if the settings no longer have it."""
        if not occurrence.sas_key:
            return self.storage
        if self.sas_files is None:
            raise ConfigError("no_sas_files", "the settings no longer have `ci360.sas_files`")
        return self.sas_files

    def _send_to_dead_letters(self, body: str, error: Rejected) -> None:
        send_to_dead_letters(self.sqs, self.settings.dead_letter_queue_url, body, error)

    def _log(self, at: Occurrence, seconds: float) -> None:
        facts: dict[str, Any] = {
            "object_key": at.key,
            "state": at.state.value,
            "code": at.code or None,
            "reason": at.sentence or None,
            "rows": at.rows,
            "size_bytes": at.written_bytes,
            "part": at.part,
            "turn": at.turns,
            "seconds": round(seconds, 3),
        }
        self.log.log(logging.ERROR if at.state is State.FAILED else logging.INFO, "transfer", extra=facts)
