"""How the command line is read as a whole: options that may stand anywhere, and errors for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

SANDBOX, JSON, END = "--sandbox", "--json", "--"
_CODED = re.compile(r"([a-z][a-z0-9_]*): (.+)", re.DOTALL)
_AS_JSON = ContextVar("as_json", default=False)


class Commands(TyperGroup):
    """The commands, which take --sandbox before or after their name and tell programs every error as JSON."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments with --sandbox in front, and note whether a program reads the answer.

        `ctx` is a context of Typer's own copy of Click, which has no public name.
        """
        own = _own(args)
        _AS_JSON.set(JSON in own)
        ctx.call_on_close(lambda: _AS_JSON.set(False))  # another command of this process begins anew
        if SANDBOX in own:
            rest = [one for one in own if one != SANDBOX]
            args = [SANDBOX, *rest, *args[len(own) :]]
        with _errors_for_programs():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; `ctx` is as in `parse_args`."""
        with _errors_for_programs():
            return super().invoke(ctx)


@contextmanager
def _errors_for_programs() -> Iterator[None]:
    """Print a usage error as an object if a program reads the answer; otherwise Typer prints it."""
    try:
        yield
    except TyperException as error:
        if not _AS_JSON.get():
            raise
        typer.echo(error_text(error.format_message()), err=True)
        raise typer.Exit(error.exit_code) from None


def _own(args: Sequence[str]) -> list[str]:
    """Return the arguments before a `--`, after which nothing is an option."""
    return list(args[: args.index(END)] if END in args else args)


def error_text(sentence: str) -> str:
    """Return an error as the present command prints it: its sentence, or with --json an object for programs.

    A sentence that begins with a code gives that apart.
    """
    if not _AS_JSON.get():
        return sentence
    coded = _CODED.fullmatch(sentence)
    code, text = coded.groups() if coded else ("", sentence)
    return json.dumps({"error": {"code": code, "sentence": text}}, ensure_ascii=False)
