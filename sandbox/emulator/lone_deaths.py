"""A function's process ends by itself, or after its call, and takes no other with it, as on AWS.

By itself the emulator ends every process of a function when one cannot be started, and when the function's code or
settings change, also in the middle of a call. It deletes the code of those that are starting, too, which then fail
with `No module named ...`, or while they unpack a layer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from ministack.core.lambda_runtime import Worker

from sandbox.emulator.hook import Function, Hook, Table

_CLASS = Hook("ministack.core.lambda_runtime", "_worker_class_for", ("config",))
_KILL = Hook("ministack.core.lambda_runtime", "kill_workers", ("workers",))

HOOKS: tuple[Hook | Table, ...] = (
    _CLASS,
    _KILL,
    Hook("ministack.core.lambda_runtime", "release_worker", ("worker",)),
    Hook(
        "ministack.core.lambda_runtime",
        "acquire_worker",
        ("func_name", "config", "code_zip", "qualifier", "max_concurrency"),
    ),
)


class LoneWorker(Worker):  # type: ignore[misc]  # the emulator has no types
    """A process of a function: a failure to start is its call's answer, and it ends only after its call."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._change = threading.Lock()
        self._busy = self._retired = False
        super().__init__(*arguments, **named)

    @property
    def in_use(self) -> bool:
        """Whether a call has the process; set by the emulator, before the call and after it."""
        return self._busy

    @in_use.setter
    def in_use(self, busy: bool) -> None:
        with self._change:
            self._busy = busy
            ends = self._retired and not busy
        if ends:
            # In a thread of its own: the emulator holds the lock of all processes here.
            threading.Thread(target=self.end, daemon=True, name="ends-worker").start()

    def retire(self) -> bool:
        """Let the process end after its call; return whether it has one."""
        with self._change:
            self._retired = self._busy
            return self._retired

    def end(self) -> None:
        """End the process now, and delete its copy of the code."""
        _end([self])

    def invoke(self, *arguments: Any, **named: Any) -> dict[str, Any]:
        """Return the answer to a call; one that the process could not be started for is an error."""
        try:
            answer: dict[str, Any] = super().invoke(*arguments, **named)
        except Exception as error:  # noqa: BLE001  of whatever kind: the emulator would end all other processes
            self.end()
            return {"status": "error", "error": str(error), "cold_start": True, "log": ""}
        return answer


_end = _KILL.current()


def install() -> None:
    """Let functions run in such processes, but for those that bring a runtime of their own."""
    _CLASS.replace(_lone)
    _KILL.replace(_idle_only)


def _lone(original: Function) -> Function:
    def class_for(config: dict[str, Any]) -> type[Worker]:
        found: type[Worker] = original(config)
        return LoneWorker if found is Worker else found

    return class_for


def _idle_only(original: Function) -> Function:
    """End processes without a call at once, the others after theirs."""

    def kill(workers: Iterable[Worker]) -> None:
        original([one for one in workers if not (isinstance(one, LoneWorker) and one.retire())])

    return kill
