"""Commands of this program, as the user has to type them."""

from __future__ import annotations

import shlex
import shutil
import sys
from contextvars import ContextVar
from pathlib import Path

_IN_SANDBOX = ContextVar("in_sandbox", default=False)


def typed(*arguments: str, sandbox: bool | None = None) -> str:
    """Return a command line that can be copied into the shell that called this one.

    It begins with the program as it was called: `activation`, a path to it, or `python -m cli`. `--sandbox` comes
    next where `sandbox` is True, or where it is None and the present command was called with it.
    """
    option = ("--sandbox",) if (in_sandbox() if sandbox is None else sandbox) else ()
    return shlex.join((*_program(), *option, *arguments))


def note_sandbox(chosen: bool) -> None:
    """Note whether the present command was called with --sandbox."""
    _IN_SANDBOX.set(chosen)


def in_sandbox() -> bool:
    """Return whether the present command was called with --sandbox."""
    return _IN_SANDBOX.get()


def _program() -> tuple[str, ...]:
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        interpreter, *rest = sys.orig_argv
        return (interpreter, *rest[: rest.index("-m") + 2]) if "-m" in rest else (interpreter, sys.argv[0])
    # A shell passes the full path of a program found on PATH, although the user typed only its name.
    found = shutil.which(called.name)
    if called.is_absolute() and found is not None and Path(found) == called:
        return (called.name,)
    return (sys.argv[0],)
