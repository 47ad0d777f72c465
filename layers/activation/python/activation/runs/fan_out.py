"""A large file that several workers send at once, as the worker that holds the run sees it.

The run stays one: one record, receipt, audience lock, event and dead letter. Its file is cut into parts. Each part
has a record of its own (`<connector>#part#<run>#<part>`: lease, fence, cursor, counts) and messages of its own
through the connector's one queue, so that the mapping's maximum concurrency, leases, continuations, waits and the
rate limit apply to a part as they do to a run. A part sends with the ordinary batcher and sender, numbers its rows
as the file does, and keeps its rejects beside the run's.

A worker may die anywhere, because each record has one writer:

- Only the run's holder writes the run's record, which says what the parts have to do: the phase (survey, scan,
  send) and the pieces. Only a part's holder writes the part's record, which says how far the part is. No counter
  is shared by two of them, so a repeated write counts nothing twice.
- The run polls its parts by delayed messages of its own, rather than wait for a call from the last part to finish:
  one lost call would lose the run, and the parts would have to agree on which of them is last. A poll reads each
  part's record once; the wait between polls grows with the length of the phase, up to a minute.
- A message to a part says "do what the run's record says", so a repeated, late or stray one does no harm: a part
  that is done releases its lease. The run sends a phase's messages before it records that they were sent. A crash
  in between sends them again, and the lease lets only one worker proceed.
- A part reads the run's record after it acquired its own lease, and the run records that it is ending before it
  reads the parts' leases. Whichever comes first, no part sends for a run that has released its audience lock.

A part that fails for good ends the run with that part's reason, once the other workers are idle; of several failed
parts, the first in the file gives the reason. What they sent stays counted. When the message is moved back from
the dead letters, every unfinished part resumes at its cursor. A part whose worker died is dispatched again as soon
as the run finds its lease expired, long before the queue returns the first message, and so is one that has not
been heard of for an hour. A part whose workers die again and again ends the run too.

The phases: a text file is surveyed for its records (`drops/ranges.py`); where the drop has to be read before
anything of it is sent, the parts scan it, and the run puts together for all of them what they gathered; then the
audience is opened, once, and the parts send. A file that cannot be cut exactly (a quote out of place) is sent in
one stream, which finds the fault and names its row. A file that is cut has the same rows in its receipt and
rejects as in one stream; batches end where pieces do, so their number may differ by one for each part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from activation.aws.clients import Clients
from activation.drops.limits import DEFAULT
from activation.drops.messages import Work
from activation.drops.ranges import settle
from activation.errors import ActivationError, ConfigError, Rejected
from activation.ledger.runs import STOPPED, HeldRun, Run, RunState
from activation.ledger.split import Ending, Phase, RunSplit
from activation.runs.counts import gather, sums
from activation.runs.split import catch_up, cut, is_done

UNANSWERED_S = 3600.0  # how long a part's message may wait behind other drops; a second one does no harm
DEATHS_MAX = 5  # of a part's workers in one phase; the queue's maximum receive count
POLL_AFTER_S, POLL_AT_LEAST_EVERY_S = 2.0, 60.0
POLL_SHARE = 0.1  # a poll is late by at most this share of the phase's time so far


@dataclass
class RunParts:
    """The parts of a split run.

    `run_id` is the run's, `work` its message, `held` its record, which this invocation holds. `clients` and
    `queue_url` send the parts their messages. `scans` says that the whole drop has to be read before anything of
    it is sent. `now` is Unix seconds.
    """

    run_id: str
    work: Work
    held: HeldRun
    clients: Clients
    queue_url: str
    scans: bool
    now: float

    @property
    def split(self) -> RunSplit:
        """Return the run's split; raises Rejected with no_split when its record lacks one."""
        split = self.held.run.progress.plan.split
        if split is None:
            raise Rejected("no_split", "the run has parts and no split; its record is damaged")
        return split

    @split.setter
    def split(self, split: RunSplit) -> None:
        with self.held.lock:
            self.held.run.progress.plan.split = split

    def poll(self) -> list[Run | None]:
        """Read every part's record and add up their counts; return the records, None for a part not yet begun."""
        split = self.split
        progress = self.held.run.progress
        parts = [self.held.ledger.read(self.run_id, part) for part in range(split.parts)]
        for part in parts:
            if part is not None:
                catch_up(part, progress)
        with self.held.lock:
            gather(progress, split, parts)
        return parts

    def failed(self, parts: Sequence[Run | None]) -> ActivationError | None:
        """Return the error of the first part that stopped since it was dispatched, None when none did."""
        for part, continuation in zip(parts, self.split.continuations, strict=False):
            if part is None or part.continuation < continuation:
                continue
            if part.state in STOPPED:
                kind = ConfigError if part.state is RunState.BLOCKED else Rejected
                return kind(part.code, part.sentence)
        return None

    def phase_ended(self, parts: Sequence[Run | None]) -> bool:
        """Return whether every part has finished the phase."""
        return all(part is not None and is_done(self.split, part) for part in parts)

    def begin_next(self, parts: Sequence[Run | None]) -> None:
        """Begin the next phase; its messages are not sent yet."""
        split = self.split
        if split.phase is Phase.SURVEY:
            surveys = [survey for part in parts if part and (survey := part.progress.plan.survey)]
            pieces = settle(surveys, DEFAULT.record_bytes) or ()
            pieced = cut(split, pieces, scans=self.scans, now=self.now)
            # A range in which no record begins is dropped as a part; what it has cost stays counted.
            self.split = replace(pieced, counted=sums(parts[: pieced.parts]))
        else:
            self.split = replace(split, phase=Phase.SEND, continuations=(), since=self.now)

    def dispatch(self, parts: Sequence[Run | None]) -> None:
        """Send the phase's message to every unfinished part, and record that they were sent."""
        split = self.split
        continuations = []
        for index in range(split.parts):
            part = parts[index] if index < len(parts) else None
            continuations.append(part.continuation + 1 if part else 1)
            if part is None or not is_done(split, part):
                self._dispatch(index, part)
        dispatched_at, deaths = (self.now,) * split.parts, (0,) * split.parts
        self.split = replace(split, continuations=tuple(continuations), dispatched_at=dispatched_at, deaths=deaths)

    def redispatch(self, parts: Sequence[Run | None]) -> None:
        """Send another message to every part whose worker died or that was not heard of for UNANSWERED_S seconds.

        Raises Rejected with part_lost when a part's workers died DEATHS_MAX times.
        """
        split = self.split
        # A record may lack both.
        dispatched_at = list(split.dispatched_at or (split.since,) * split.parts)
        deaths = list(split.deaths or (0,) * split.parts)
        for index, part in enumerate(parts):
            if part is not None and is_done(split, part):
                continue
            died = part is not None and dispatched_at[index] < part.lease_until <= self.now
            deaths[index] += died
            if deaths[index] >= DEATHS_MAX:
                raise Rejected("part_lost", "the workers of one part of the file died again and again; redrive it")
            if died or self._is_unanswered(part, dispatched_at[index]):
                self._dispatch(index, part)
                dispatched_at[index] = self.now
        self.split = replace(split, dispatched_at=tuple(dispatched_at), deaths=tuple(deaths))

    def _is_unanswered(self, part: Run | None, dispatched_at: float) -> bool:
        heard = max(part.lease_until, part.updated_at, part.not_before) if part else 0.0
        return self.now - max(dispatched_at, heard) > UNANSWERED_S

    def _dispatch(self, index: int, part: Run | None) -> None:
        work = replace(self.work, part=index, continuation=part.continuation if part else 0)
        self.clients.sqs.send_message(QueueUrl=self.queue_url, MessageBody=work.next_message(), DelaySeconds=0)

    def must_wait_to_end(self, state: RunState, error: ActivationError) -> bool:
        """Record that the run is ending, and return whether parts are still at work; raises LeaseLost."""
        split = self.split
        if split.phase is Phase.ALONE:
            return False
        if split.ending is None:
            self.split = replace(split, ending=Ending(state, error.code, error.sentence))
            self.held.save()
        return any(part is not None and part.lease_until > self.now for part in self.poll())

    def fall_back(self) -> None:
        """Fall back to one stream; no part has sent anything yet."""
        self.split = replace(self.split, phase=Phase.ALONE, parts=0, pieces=(), continuations=(), since=self.now)

    def restart(self) -> RunSplit:
        """Have the unfinished parts dispatched again, after the run stopped or started over; return the split."""
        if self.split.phase is not Phase.ALONE:
            self.split = replace(self.split, ending=None, continuations=(), since=self.now)
        return self.split

    @property
    def poll_after_s(self) -> float:
        """Return the seconds until the next poll of the parts."""
        return min(POLL_AT_LEAST_EVERY_S, max(POLL_AFTER_S, POLL_SHARE * (self.now - self.split.since)))
