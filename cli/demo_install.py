"""Checks before a command runs the sandbox: the sandbox's source and its packages must be there."""

from __future__ import annotations

from importlib.util import find_spec
from typing import NoReturn

import typer

from cli.commands import error_text


def require_checkout() -> None:
    """End the command with exit 2 if the sandbox's source is missing, as it is from an installed wheel."""
    if find_spec("sandbox") is None:
        _refuse("the sandbox comes with the project's source, not with an installed `activation`")


def require_demo_install() -> None:
    """End the command with exit 2 unless everything the sandbox needs to run is installed."""
    require_checkout()
    from sandbox.requirements import installed

    if not installed():
        _refuse("the sandbox's packages are not installed")


def require_spark() -> None:
    """End the command with exit 2 unless Spark is installed, which the demo leaves out: it has 400 MB."""
    if find_spec("pyspark") is None:
        typer.echo("Spark is not installed: run `make normalize`, which needs Python 3.11", err=True)
        raise typer.Exit(2)


def _refuse(reason: str) -> NoReturn:
    sentence = f"{reason}: run `make demo` or `pip install -r requirements-demo.txt` in its folder"
    typer.echo(error_text(sentence), err=True)
    raise typer.Exit(2)
