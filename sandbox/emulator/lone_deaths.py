"""A function's process that dies while it starts ends its own invocation, as on AWS, and no other process.

By itself the emulator ends every process of the function then, also in the middle of a call, and deletes the code
of those that are starting, which fail with `No module named ...`.
"""

from __future__ import annotations

from typing import Any

from ministack.core.lambda_runtime import Worker

from sandbox.emulator.hook import Function, Hook, Table

_CLASS = Hook("ministack.core.lambda_runtime", "_worker_class_for", ("config",))

HOOKS: tuple[Hook | Table, ...] = (
    _CLASS,
    Hook("ministack.core.lambda_runtime", "kill_workers", ("workers",)),
    Hook(
        "ministack.core.lambda_runtime",
        "acquire_worker",
        ("func_name", "config", "code_zip", "qualifier", "max_concurrency"),
    ),
)


class LoneWorker(Worker):  # type: ignore[misc]  # the emulator has no types
    """A process of a function, whose failure to start is the answer of the call that started it."""

    def invoke(self, *arguments: Any, **named: Any) -> dict[str, Any]:
        """Return the answer to a call; one that the process could not be started for is an error."""
        try:
            answer: dict[str, Any] = super().invoke(*arguments, **named)
        except Exception as error:  # noqa: BLE001  of whatever kind: the emulator would end all other processes
            self.kill()
            return {"status": "error", "error": str(error), "cold_start": True, "log": ""}
        return answer


def install() -> None:
    """Let functions run in such processes, but for those that bring a runtime of their own."""
    _CLASS.replace(_lone)


def _lone(original: Function) -> Function:
    def class_for(config: dict[str, Any]) -> type[Worker]:
        found: type[Worker] = original(config)
        return LoneWorker if found is Worker else found

    return class_for
