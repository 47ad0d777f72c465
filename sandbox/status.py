"""What a sandbox is doing: its processes, its clock, its functions, and what has no effect in it."""

from __future__ import annotations

from typing import Any

import requests

from sandbox.place import Place
from sandbox.processes import Process
from sandbox.state import EMULATOR, load

_ANSWER_S = 5.0


def status(place: Place) -> dict[str, Any]:
    """Return the state of a sandbox as a JSON object, `{"up": false}` if there is none.

    `processes` have `name`, `pid`, `url`, `log`, `alive` and `answers`; a simulator that answers has the number of
    its `requests`. `clock`, `delivering`, `hidden` and `functions` are the emulator's, if it answers.
    """
    found = load(place)
    described: dict[str, Any] = {"up": found.runs(), "directory": str(place.directory)}
    if not found.processes:
        return described
    described["processes"] = [_process(place, one) for one in found.processes]
    if found.runs():
        clock = _asked(f"{found.emulator.url}/_clock") or {}
        described |= {
            "clock": clock.get("now"),
            "delivering": clock.get("delivering"),
            "hidden": clock.get("hidden"),
            "functions": _asked(f"{found.emulator.url}/_workers"),
            "not_enforced": found.printed.get("not_enforced", []),
        }
    return described


def _process(place: Place, process: Process) -> dict[str, Any]:
    is_emulator = process.name == EMULATOR
    page = "/_ministack/health" if is_emulator else "/_sim/state?members=0"
    answer = _asked(process.url + page) if process.runs() else None
    described = {
        "name": "emulator" if is_emulator else process.name,
        "pid": process.pid,
        "url": process.url,
        "log": str(place.log(process.name)),
        "alive": process.runs(),
        "answers": answer is not None,
    }
    if answer is not None and not is_emulator:
        described["requests"] = answer["counters"]["requests"]
    return described


def _asked(url: str) -> Any:
    try:
        answer = requests.get(url, timeout=_ANSWER_S)
        answer.raise_for_status()
        return answer.json()
    except (requests.RequestException, ValueError):
        return None
