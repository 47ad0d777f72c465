"""Faults on script: which calls are to be refused, delayed or cut off, and how often."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_DROPS = ("before", "after")


@dataclass
class Fault:
    """One line of the script.

    It meets calls whose `METHOD /path` contains `route`: the first `skip` of them pass, the next `times` are
    struck (None: every later one). With `status` the call is answered with it and nothing is applied; `body` is
    text, or JSON. `drop` closes the connection: "before" with nothing applied, "after" once it was applied.
    `delay_s` waits first; alone, the call is then applied and answered as usual.
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
    """The faults still to come, in the order they were given; the first that fits a call strikes it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def load(self, script: object) -> None:
        """Put a new script in place of the old one; raises ValueError with every mistake in it."""
        if not isinstance(script, list):
            raise ValueError("the script is a JSON list of faults")
        mistakes: list[str] = []
        faults = [_fault(number, line, mistakes) for number, line in enumerate(script)]
        if mistakes:
            raise ValueError("; ".join(mistakes))
        self._faults = faults

    def take(self, route: str) -> Fault | None:
        """Use up one strike (or one skip of each earlier line that fits) for the call `METHOD /path`."""
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
        """List what has not struck yet."""
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
        found.append(f"fault {number}: drop is 'before' or 'after'")
    mistakes.extend(found)
    return Fault() if found else Fault(**line)
