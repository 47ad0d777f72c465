"""The lines of `activation sandbox status`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cli.printable import counted


def status_lines(found: Mapping[str, Any], start: str, *, every: bool) -> Iterator[str]:
    """Yield what to print of a sandbox's status; `start` is the command that starts what does not run.

    With `every`, what the emulator does not enforce is listed, else it is counted.
    """
    if "processes" not in found:
        yield f"no sandbox is running; start one: {start}"
        return
    for one in found["processes"]:
        calls = f", {one['requests']:,} requests" if "requests" in one else ""
        yield f"{one['name']:<13} {_state(one)}{calls}  {one['url']}  {one['log']}"
    if not found["up"]:
        yield f"the emulator has ended, with all that it held; start anew: {start}"
        return
    if not all(one["alive"] for one in found["processes"]):
        yield f"what has ended starts again with what it held by: {start}"
    yield f"clock         {found['clock']}, {found['delivering']} messages being delivered"
    for one in found["functions"] or ():
        peak = one["peak_memory_bytes"]
        memory = f", peak {peak / 2**20:.0f} MB" if peak else ""
        work = "busy" if one["in_flight"] else "idle"
        yield f"function      {one['function']}: pid {one['pid']}, {work}{memory}"
    ignored = found["not_enforced"]
    if ignored and not every:
        types = len({one["type"] for one in ignored})
        yield f"not enforced  {len(ignored)} properties in {counted(types, 'resource type')}; --all lists them"
    for one in ignored if every else ():
        yield f"not enforced  {one['type']} {one['property']}: {one['effect']}"


def _state(process: Mapping[str, Any]) -> str:
    if not process["alive"]:
        return "ended"
    return f"pid {process['pid']}" if process["answers"] else f"pid {process['pid']}, does not answer"
