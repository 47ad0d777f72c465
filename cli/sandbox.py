"""`activation sandbox up|down|status|logs`: an emulated AWS and ad platforms, with the app deployed into it."""

from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import error_text
from cli.demo_install import require_checkout, require_demo_install
from cli.sandbox_status import status_lines
from cli.typed import typed

if TYPE_CHECKING:
    from sandbox.place import Place

sandbox = typer.Typer(
    help="An emulated AWS and simulated ad platforms on this machine, with the app deployed.", no_args_is_help=True
)

Directory = Annotated[
    Path | None,
    typer.Option(
        help="Where the sandbox keeps its files; each directory is a sandbox of its own.", show_default=False
    ),
]


@sandbox.command()
def up(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with all addresses.")] = False,
    auth: Annotated[bool, typer.Option("--auth", help="Enforce IAM policies, as AWS does.")] = False,
    stream: Annotated[
        str,
        typer.Option(
            help="Datasets of Amazon Marketing Stream to deploy as well, such as sp-traffic,ads, or none."
        ),
    ] = "sp-traffic",
    directory: Directory = None,
) -> None:
    """Start the sandbox and deploy the app into it; if it is running already, deploy what has changed."""
    require_demo_install()
    from sandbox.errors import SandboxError
    from sandbox.lifecycle import up as bring_up

    try:
        described = bring_up(_place(directory), auth=auth, streams=_datasets(stream))
    except SandboxError as error:
        typer.echo(error_text(str(error)), err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("interrupted: everything this command started has been stopped", err=True)
        raise typer.Exit(130) from None
    if as_json:
        print(json.dumps(described))
        return
    print(f"AWS at        {described['aws_endpoint_url']}")
    print(f"drops bucket  {described['drops_bucket']}")
    source = described["source"]
    own = f"s3://{source['bucket']}/{source['prefix']}"
    print(f"source        {own} (the sandbox's own; the settings' sources are not deployed here)")
    for name, url in described["simulators"].items():
        print(f"{name:<13} {url}/_sim/state")
    for one in described["does_nothing_here"]:
        print(f"accepted, does nothing here: {one['type']} {one['logical_id']} ({one['undone']})")
    for name, settings in described["shortened"].items():
        shorter = ", ".join(f"{key} is {value:g}" for key, value in settings.items())
        print(f"shortened     {name}: {shorter}; the platform takes hours")
    for kind, names in groupby(described["not_enforced"], key=itemgetter("type")):
        print(f"not enforced  {kind}: {', '.join(one['property'] for one in names)}")
    print(f"stop it:      {typed('sandbox', 'down', *_again(directory), sandbox=False)}")


@sandbox.command()
def down(directory: Directory = None) -> None:
    """Stop everything the sandbox started; exit 1 if none was running."""
    require_checkout()
    from sandbox.errors import SandboxError
    from sandbox.lifecycle import down as take_down

    try:
        ended = take_down(_place(directory))
    except SandboxError as error:
        typer.echo(error_text(str(error)), err=True)
        raise typer.Exit(1) from None
    typer.echo("the sandbox is stopped" if ended else "no sandbox was running", err=True)
    if not ended:
        raise typer.Exit(1)


@sandbox.command()
def status(
    every: Annotated[
        bool, typer.Option("--all", help="Also list the templates' properties that have no effect here.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    directory: Directory = None,
) -> None:
    """Show the sandbox's processes, clock and functions; exit 1 unless all of it runs."""
    require_checkout()
    require_demo_install()
    from sandbox.errors import SandboxError
    from sandbox.status import status as find

    try:
        found = find(_place(directory))
    except SandboxError as error:
        typer.echo(error_text(str(error)), err=True)
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps(found))
    else:
        for line in status_lines(found, typed("sandbox", "up", *_again(directory), sandbox=False), every=every):
            print(line)
    if not all(one["answers"] for one in found.get("processes", [{"answers": False}])):
        raise typer.Exit(1)


@sandbox.command()
def logs(
    name: Annotated[
        str, typer.Argument(help="emulator, a simulator, or a function's name or a part of it; none lists them.")
    ] = "",
    follow: Annotated[bool, typer.Option("--follow", help="Go on with each new line, until Ctrl-C.")] = False,
    count: Annotated[int, typer.Option("--lines", min=1, help="How many of the last lines to print.")] = 50,
    directory: Directory = None,
) -> None:
    """Print the log of the emulator, of a simulator or of a function; without a name, list them."""
    require_checkout()
    require_demo_install()
    from functools import partial

    from sandbox import connectors, state
    from sandbox.errors import SandboxError
    from sandbox.logs import lines, names

    place = _place(directory)
    try:
        found = state.load(place)
        if not found.processes:
            raise SandboxError("no sandbox is running")
        client = partial(connectors.client, found.emulator.url)
        shown = lines(place, found, client, name, count, follow=follow) if name else names(found, client)
        for line in shown:
            print(line, flush=True)
    except SandboxError as error:
        typer.echo(error_text(str(error)), err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _datasets(stream: str) -> tuple[str, ...]:
    return () if stream == "none" else tuple(filter(None, stream.split(",")))


def _again(directory: Path | None) -> tuple[str, ...]:
    """Return the option that selects this sandbox in another command."""
    return () if directory is None else ("--directory", str(directory))


def _place(directory: Path | None) -> Place:
    from sandbox.place import DEFAULT, Place

    return DEFAULT if directory is None else Place(directory.resolve())
