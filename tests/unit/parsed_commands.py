"""Commands that a text tells a reader to type, read by the program's own parser."""

from __future__ import annotations

import shlex
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from cli.__main__ import app


def parsed(command: str) -> dict[str, Any]:
    """Return the parameters of an `activation ...` command; raises UsageError if the program would refuse it."""
    _, *words = shlex.split(command)
    parser: Any = get_command(app)
    while isinstance(parser, TyperGroup):
        parser = parser.commands[words.pop(0)]
    given: dict[str, Any] = parser.make_context(parser.name, words).params
    return given
