"""An end for work that cannot be interrupted: a database that stays silent must not keep the function."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from lambdas.sync.source import unreachable

T = TypeVar("T")
_POLL_S = 0.5


class _Done:
    """The end of what is read."""


def until(
    deadline: float, read: Callable[[], Iterator[T]], *, clock: Callable[[], float] = time.time
) -> Iterator[T]:
    """Yield what `read` yields, which runs in a thread of its own, one item ahead.

    Raises what `read` raises, and Retryable (source_unreachable) once `clock`, in Unix seconds, has passed the
    deadline. A read that never returns is abandoned; its thread ends with the process.
    """
    waiting: queue.Queue[T | _Done | BaseException] = queue.Queue(maxsize=1)
    stopped = threading.Event()

    def put(item: T | _Done | BaseException) -> None:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return

    def work() -> None:
        reading = read()
        try:
            for item in reading:
                put(item)
                if stopped.is_set():
                    return
            put(_Done())
        except BaseException as error:  # noqa: BLE001  raised again where the items are awaited
            put(error)
        finally:
            reading.close()  # type: ignore[attr-defined]  # a generator, whose connection is closed with it

    threading.Thread(target=work, daemon=True).start()
    try:
        while True:
            try:
                item = waiting.get(timeout=max(0.0, deadline - clock()))
            except queue.Empty:
                raise unreachable("the database did not answer in time") from None
            if isinstance(item, _Done):
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
