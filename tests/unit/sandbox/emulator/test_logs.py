"""The log of a deployed function, as `activation sandbox logs` prints it."""

from __future__ import annotations

import itertools
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox.errors import SandboxError
from sandbox.logs import lines
from sandbox.place import Place
from sandbox.processes import Process
from sandbox.state import EMULATOR, State
from tests.unit.sandbox.emulator.driver import Emulator

PRINTS = "def handler(event, context):\n    print(event['say'])\n"


def test_a_function_is_found_by_a_part_of_its_name(emulator: Emulator, tmp_path: Path) -> None:
    """Its last lines are printed, and each new one once; a part that several have lists them."""
    port = urlsplit(emulator.url).port or 0
    found = State((Process(EMULATOR, 1, port, "sandbox.emulator"),))
    name, other = emulator.function(PRINTS), emulator.function(PRINTS)
    emulator.invoke(name, {"say": "first"})
    emulator.invoke(other, {"say": "not mine"})
    told = list(lines(Place(tmp_path), found, emulator.client, name[:-1].upper(), 50))
    assert [one for one in told if one.endswith(" first")]
    assert not [one for one in told if "not mine" in one]
    followed = lines(Place(tmp_path), found, emulator.client, name, 50, follow=True)
    before = list(itertools.islice(followed, len(told)))
    emulator.invoke(name, {"say": "second"})
    said = next(one for one in followed if one.endswith((" first", " second")))
    assert (before, said.endswith(" second")) == (told, True)
    with pytest.raises(SandboxError, match="several functions have it") as raised:
        lines(Place(tmp_path), found, emulator.client, "t", 50)
    assert name in str(raised.value)
    assert other in str(raised.value)
