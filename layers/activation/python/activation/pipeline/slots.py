"""How many requests of a run may be in flight: as many as its answers take, of what memory and time are left for.

A platform that takes half a second to answer leaves a worker idle that makes a request in a hundredth of that, and
an idle worker is paid for. So the number follows from two times, both measured: how long a request holds its slot,
and how long it takes to make the next one. It is never above the platform's, nor above what the platform's rate
limit lets be sent while one is answered, and never below what the platform is sent to begin with.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

NEWEST_SHARE = 0.2  # of a new measurement in the average
# A request's lines are held as columns, as its body, and in what sends it.
HELD_BYTES_PER_BODY_BYTE = 3
FIRST_BODY_BYTES = 5_000_000.0  # until a larger one was answered: about the most of Meta's
MEMORY_SHARE = 0.5  # of the function's memory; what is read, and the SDK, need the rest
PATIENCE = 2.0  # timeouts of a request that must be left for more of them to begin
# For how much of an answer's time an acknowledgement may wait for others to be written with it. At 500 ms and 16
# in flight, two writes of two units cost as much as the function does for a fifth of that time.
SHARING, SHARING_MAX_S = 1 / 8, 0.1
_MEMORY = (
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
)


def _resident_bytes() -> int:
    """Return the process's resident memory; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class InFlight:
    """How many requests may be in flight: `usual` at any time, and at most `most` where slow answers make it pay.

    `memory_bytes` is the function's memory, 0 where it is not known: then `usual` are the most.
    """

    usual: int
    most: int
    memory_bytes: int = 0

    @classmethod
    def of(cls, usual: int, most: int, setting: int = 0, variables: Mapping[str, str] = os.environ) -> InFlight:
        """Return a platform's numbers, or the one that the connector's settings say: 0 for none."""
        if setting:
            return cls(setting, setting)
        memory = variables.get(_MEMORY, "")
        return cls(usual, max(usual, most), int(memory) * 1024 * 1024 if memory.isdecimal() else 0)


@dataclass
class Slots:
    """The slots of one run's requests; the thread that makes requests asks, those that send them report.

    `time_left_s` returns the seconds left for calls, of which one may take `timeout_s`. `per_s` is how many
    requests a second the platform's rate limit allows. `held_bytes` returns the process's resident memory.
    `expected_s` returns how long an answer may take before the first request was answered, by other calls to the
    platform, 0 where there were none. `clock` returns seconds.
    """

    limits: InFlight
    timeout_s: float
    time_left_s: Callable[[], float]
    per_s: float = math.inf
    held_bytes: Callable[[], int] = _resident_bytes
    expected_s: Callable[[], float] = lambda: 0.0
    clock: Callable[[], float] = time.monotonic
    _answered_s: float | None = None
    _made_s: float | None = None
    _body_bytes: float = FIRST_BODY_BYTES
    _making_since: float | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)

    def making(self) -> None:
        """Note that the next request is being made from now on."""
        self._making_since = self.clock()

    def made(self) -> None:
        """Note that a request is ready to be sent."""
        if self._making_since is not None:
            self._made_s = _average(self._made_s, self.clock() - self._making_since)
        self._making_since = None

    def answered(self, after_s: float, body_bytes: int) -> None:
        """Note for how long a request has held its slot, and about how large its body was."""
        with self._lock:
            self._answered_s = _average(self._answered_s, after_s)
            self._body_bytes = max(self._body_bytes, float(body_bytes))

    def allowed(self, in_flight: int) -> int:
        """Return how many requests may be in flight, where `in_flight` are now."""
        limits = self.limits
        answered_s = self.expected_s() if self._answered_s is None else self._answered_s
        if limits.most <= limits.usual or not answered_s or not self._made_s:
            return limits.usual
        wanted = min(limits.most, math.ceil(answered_s / self._made_s) + 1)
        # Rounded down: the wait for the rate limit is part of the time, and must not ask for more to wait.
        wanted = int(min(wanted, self.per_s * answered_s))
        if wanted <= limits.usual or in_flight < limits.usual:
            return limits.usual
        if self.time_left_s() < PATIENCE * self.timeout_s:
            return limits.usual
        more_bytes = MEMORY_SHARE * limits.memory_bytes - self.held_bytes()
        has_room = more_bytes >= HELD_BYTES_PER_BODY_BYTE * self._body_bytes
        return wanted if has_room else max(limits.usual, min(in_flight, wanted))

    def patience_s(self, in_flight: int) -> float:
        """Return how long an acknowledgement may wait for others to be written with it: not at all as usual."""
        if in_flight <= self.limits.usual or self._answered_s is None:
            return 0.0
        return min(SHARING * self._answered_s, SHARING_MAX_S)


def _average(before: float | None, new: float) -> float:
    return new if before is None else (1 - NEWEST_SHARE) * before + NEWEST_SHARE * new
