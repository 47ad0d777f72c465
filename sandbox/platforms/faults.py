"""Scripted faults: which calls are refused, delayed or cut off, and how often."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_DROPS = ("before", "after")


@dataclass
class Fault:
    """One fault of the script.

    It matches calls whose `METHOD /path` contains `route`: the first `skip` of them pass, the next `times` get the
    fault (None: all later ones). With `status` the call is answered with it and nothing is applied; `body` is
    text, or JSON. `drop` closes the connection: "before" the call is applied, or "after". `delay_s` waits first;
    if it is the only effect, the call is then applied and answered as usual.
    """

    route: str = ""
    times: int | None = 1
    skip: int = 0
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    delay_s: float = 0.0
    drop: str | None = None

    def body_bytes(self) -> bytes:
        """Return the scripted body as it goes over the wire."""
        if self.body is None:
            return b""
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


class FaultScript:
    """The remaining faults, in order; a call gets the first fault that matches."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def load(self, script: object) -> None:
        """Replace the script; raises ValueError listing every mistake in the new one."""
        if not isinstance(script, list):
            raise ValueError("the script is a JSON list of faults")
        mistakes: list[str] = []
        faults = [_fault(number, line, mistakes) for number, line in enumerate(script)]
        if mistakes:
            raise ValueError("; ".join(mistakes))
        self._faults = faults

    def take(self, route: str) -> Fault | None:
        """Return the fault for the call `METHOD /path`, counting the skips of matching faults before it."""
        for fault in self._faults:
            if fault.route not in route or fault.times == 0:
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
            return fault
        return None

    def pending(self) -> list[dict[str, Any]]:
        """Return the faults that have not been used up."""
        return [dataclasses.asdict(fault) for fault in self._faults if fault.times != 0]


_TYPES: dict[str, tuple[type, ...]] = {
    "route": (str,),
    "times": (int, type(None)),
    "skip": (int,),
    "status": (int, type(None)),
    "headers": (dict,),
    "delay_s": (int, float),
    "drop": (str, type(None)),
}


def _fault(number: int, line: object, mistakes: list[str]) -> Fault:
    if not isinstance(line, Mapping):
        mistakes.append(f"fault {number} is not an object")
        return Fault()
    known = {one.name for one in dataclasses.fields(Fault)}
    found = [f"fault {number}: unknown key {key!r}" for key in line if key not in known]
    found += [
        f"fault {number}: {key} has the wrong type"
        for key, types in _TYPES.items()
        if key in line and (not isinstance(line[key], types) or isinstance(line[key], bool))
    ]
    if line.get("drop") not in (None, *_DROPS):
        found.append(f"fault {number}: drop must be 'before' or 'after'")
    mistakes.extend(found)
    return Fault() if found else Fault(**line)
