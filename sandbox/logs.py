"""The logs of a sandbox: of its processes, from their files, and of its functions, from the emulator."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.place import Place
from sandbox.state import EMULATOR, State

_POLL_S = 1.0
_OF_EMULATOR = "emulator"

Client = Callable[[str], Any]


def lines(
    place: Place, found: State, client: Client, name: str, count: int, *, follow: bool = False
) -> Iterator[str]:
    """Yield the last `count` lines of a log, then, with `follow`, each new one.

    `name` is `emulator`, a simulator, or a function's name or a part of it that no other function has. Raises
    SandboxError listing the names for any other.
    """
    processes = _processes(found)
    if name in processes:
        return _of_file(place.log(processes[name]), count, follow=follow)
    functions = _functions(client)
    named = [one for one in functions if name.lower() in one.lower()]
    if name in functions:
        named = [name]
    if len(named) != 1:
        listed = "\n  ".join(named or [*processes, *functions])
        raise SandboxError(
            f"{name}: {'several functions have it' if named else 'no such log'}; there are\n  {listed}"
        )
    return _of_function(client, named[0], count, follow=follow)


def names(found: State, client: Client) -> list[str]:
    """Return the names of all logs: the emulator's, the simulators' and the functions'."""
    return [*_processes(found), *_functions(client)]


def _processes(found: State) -> dict[str, str]:
    """Return the processes by the names of their logs."""
    return {_OF_EMULATOR: EMULATOR} | {one.name: one.name for one in found.simulators}


def _functions(client: Client) -> list[str]:
    pages = client("lambda").get_paginator("list_functions").paginate()
    return sorted(one["FunctionName"] for page in pages for one in page["Functions"])


def _of_file(log: Path, count: int, *, follow: bool) -> Iterator[str]:
    with log.open(errors="replace") as file:
        yield from file.read().splitlines()[-count:]
        while follow:
            if line := file.readline():
                yield line.rstrip("\n")
            else:
                time.sleep(_POLL_S)


def _of_function(client: Client, function: str, count: int, *, follow: bool) -> Iterator[str]:
    described = client("lambda").get_function_configuration(FunctionName=function)
    group = (described.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{function}"
    seen: Counter[str] = Counter()  # lines printed of each stream; the emulator's events have no ids
    first = True
    while first or follow:
        events = list(_after(seen, _events(client("logs"), group)))
        for event in events[-count:] if first else events:
            at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).strftime("%H:%M:%S")
            yield f"{at} {event['message'].rstrip()}"
        first = False
        if follow:
            time.sleep(_POLL_S)


def _after(seen: Counter[str], events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the events that are new, and count them."""
    passed: Counter[str] = Counter()
    for event in events:
        stream = str(event["logStreamName"])
        passed[stream] += 1
        if passed[stream] > seen[stream]:
            seen[stream] += 1
            yield event


def _events(logs: Any, group: str) -> list[dict[str, Any]]:
    """Return a group's events by their time; a function that has not run yet has no group."""
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        found = [event for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return sorted(found, key=lambda event: int(event["timestamp"]))
