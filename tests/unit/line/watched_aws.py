"""AWS in memory with a clock, and a fuse that kills the function at any effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from tests.unit.line.aws_in_memory import Buckets, Bus, Queues, Secrets
from tests.unit.line.table_in_memory import Table

START_S = 1_800_000_000.0


class Crashed(BaseException):
    """The process is gone: nothing after this has any effect."""


class Clock:
    """Unix seconds that pass only when somebody says so."""

    def __init__(self) -> None:
        self.now = START_S
        self._lock = Lock()

    def __call__(self) -> float:
        """Return the time in Unix seconds."""
        return self.now

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self.now += seconds


class Fuse:
    """Kills the process at its n-th effect on the outside, before or after that takes place; 0 never does."""

    def __init__(self) -> None:
        self.at = 0
        self.count = 0
        self.after = False
        self.blown = False
        self.trace: list[str] = []
        self._lock = Lock()

    def set(self, at: int, *, after: bool = False) -> None:
        """Blow at the `at`-th effect from now; also mends a blown fuse, which is a new process."""
        with self._lock:
            self.at, self.after, self.count, self.blown = at, after, 0, False
            self.trace = []

    def begin(self, name: str) -> None:
        """Note that an effect is about to take place."""
        with self._lock:
            if self.blown:
                raise Crashed
            self.count += 1
            self.trace.append(name)
            if self.count == self.at and not self.after:
                self.blown = True
                raise Crashed

    def end(self) -> None:
        """Note that an effect took place."""
        with self._lock:
            if self.blown or (self.count >= self.at > 0 and self.after):
                self.blown = True
                raise Crashed


class Watched:
    """A client whose every call is an effect: the fuse and the watchers hear of it before and after."""

    def __init__(self, client: Any, aws: Aws) -> None:
        self._client = client
        self._aws = aws

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name == "get_paginator" or not callable(found):
            return found

        def call(*positional: Any, **named: Any) -> Any:
            self._aws.fuse.begin(name)
            for watcher in self._aws.before:
                watcher(name, named)
            answer = found(*positional, **named)
            for after in self._aws.after:
                after(name, named)
            self._aws.fuse.end()
            return answer

        return call


class Aws:
    """The clients, watched; the raw ones are moto's or those of this folder."""

    def __init__(self, *, s3: Any, sqs: Any, events: Any, dynamodb: Any, secrets: Any) -> None:
        self.fuse = Fuse()
        self.before: list[Callable[[str, Mapping[str, Any]], None]] = []
        self.after: list[Callable[[str, Mapping[str, Any]], None]] = []
        self.s3: Any = Watched(s3, self)
        self.sqs: Any = Watched(sqs, self)
        self.events: Any = Watched(events, self)
        self.dynamodb: Any = Watched(dynamodb, self)
        self.secrets: Any = Watched(secrets, self)

        self._s3 = s3

    @classmethod
    def in_memory(cls) -> Aws:
        """Make a world's AWS from nothing."""
        return cls(s3=Buckets(), sqs=Queues(), events=Bus(), dynamodb=Table(), secrets=Secrets())

    def keep_time(self, clock: Callable[[], float]) -> None:
        """Let objects be written at a world's time; moto's are at the machine's."""
        if isinstance(self._s3, Buckets):
            self._s3.clock = clock
