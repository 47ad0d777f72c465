"""The `activation` command: one module per sub-command, registered here."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated

import typer
from activation import __version__

from cli.audiences import audiences
from cli.classify import classify
from cli.codes import codes
from cli.columns import columns
from cli.commands import Commands, error_text
from cli.console.command import console
from cli.demo import demo
from cli.demo_install import require_checkout, require_demo_install
from cli.deployment import STACK
from cli.destroy import destroy
from cli.doctor import doctor
from cli.drop import drop
from cli.explain import explain
from cli.forget import forget
from cli.line_check import check_line
from cli.locate import locate
from cli.normalize import normalize
from cli.operate import redrive, replay
from cli.plan import plan
from cli.receipts import receipts
from cli.runs.commands import runs
from cli.runs.receipt import receipt
from cli.runs.run import run
from cli.runs.status import status
from cli.sandbox import sandbox
from cli.secret import secret
from cli.stream import stream
from cli.suppress import suppress
from cli.typed import note_sandbox, typed

app = typer.Typer(
    name="activation",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    cls=Commands,
)

SEND, LOOK, REPAIR, SET_UP, LAPTOP = "Send", "Look", "Repair", "Set up", "Laptop: needs no app"
# Each command in the group of what a person wants, with an example.
COMMANDS: tuple[tuple[str, Callable[..., None], str, str], ...] = (
    ("drop", drop, SEND, 'drop people.csv --connector meta --audience "VIP customers" --wait'),
    ("suppress", suppress, SEND, "suppress optouts.csv --list optouts"),
    ("runs", runs, LOOK, "runs --connector meta --state failed --limit 20"),
    ("receipt", receipt, LOOK, "receipt 3f2a91c07b1e"),
    ("status", status, LOOK, "status --missing"),
    ("console", console, LOOK, "console --port 8080"),
    ("codes", codes, LOOK, "codes token_refused"),
    ("redrive", redrive, REPAIR, "redrive --connector meta --reason token_refused"),
    ("replay", replay, REPAIR, "replay --from 2026-11-20T00:00:00 --to 2026-11-21T00:00:00"),
    ("forget", forget, REPAIR, "forget --file people.csv"),
    ("doctor", doctor, SET_UP, "doctor --connector meta"),
    ("test", check_line, SET_UP, "test meta"),
    ("destroy", destroy, SET_UP, "destroy"),
    ("plan", plan, LAPTOP, 'plan people.csv --connector meta --audience "VIP customers"'),
    ("explain", explain, LAPTOP, 'explain --platform meta --field PHONE "+49 30 1234567"'),
    ("columns", columns, LAPTOP, "columns --platform meta"),
    ("classify", classify, LAPTOP, "classify --platform meta answer.json"),
    ("locate", locate, LAPTOP, 'locate --key "meta/VIP customers/raw/people.csv"'),
    ("normalize", normalize, LAPTOP, "normalize --mapping map.json --input export --output drop"),
    ("demo", demo, LAPTOP, "demo"),
)
GROUPS = (
    ("run", run, REPAIR),
    ("audiences", audiences, SEND),
    ("receipts", receipts, LOOK),
    ("secret", secret, SET_UP),
    ("sandbox", sandbox, LAPTOP),
    ("stream", stream, SET_UP),
)

for _name, _command, _group, _example in COMMANDS:
    app.command(_name, rich_help_panel=_group, epilog=f"Example: activation {_example}")(_command)
for _name, _commands, _group in GROUPS:
    app.add_typer(_commands, name=_name, rich_help_panel=_group)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"activation {__version__}")
        raise typer.Exit


@app.callback()
def options(
    in_sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Use the sandbox that is running here, not AWS.")
    ] = False,
    stack: Annotated[
        str,
        typer.Option(
            help="The app's name, if ./cdk.context.json is not its own.", envvar=STACK, show_envvar=False
        ),
    ] = "",
    profile: Annotated[str, typer.Option(help="The AWS profile to use.")] = "",
    region: Annotated[str, typer.Option(help="The AWS region of the app.")] = "",
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Audience Activation for AWS: what is sent and why, drops, receipts, replays and the laptop sandbox."""
    if not os.environ.get("AWS_DEFAULT_REGION"):  # boto3 reads this one alone
        region = region or os.environ.get("AWS_REGION", "")
    chosen = {STACK: stack, "AWS_PROFILE": profile, "AWS_DEFAULT_REGION": region, "AWS_REGION": region}
    os.environ |= {name: value for name, value in chosen.items() if value}
    note_sandbox(in_sandbox)
    if in_sandbox:
        require_checkout()
        os.environ |= _sandbox_environment()


def _sandbox_environment() -> dict[str, str]:
    """Return the environment of the sandbox's clients; simulators that have ended are restarted, and named.

    From here on the command reaches this machine alone: a secret may name a real platform.
    """
    from sandbox import loopback, state
    from sandbox.emulator.environment import client_environment
    from sandbox.errors import SandboxError
    from sandbox.place import DEFAULT

    found = state.load(DEFAULT)
    if not found.runs():
        require_demo_install()
        lost = "the sandbox's AWS has ended, with all that it held" if found.processes else "no sandbox is running"
        typer.echo(error_text(f"{lost}; start one: {typed('sandbox', 'up', sandbox=False)}"), err=True)
        raise typer.Exit(1)
    if found.ended:
        from sandbox.starting import revived

        try:
            _, restarted = revived(DEFAULT)
        except SandboxError as error:
            typer.echo(error_text(str(error)), err=True)
            raise typer.Exit(1) from None
        typer.echo(f"{restarted} had ended: started again with what was held", err=True)
    loopback.activate()
    return client_environment(found.emulator.url)


def main() -> None:
    """Run the command. Exit 0: success. Exit 1: the check or operation failed. Exit 2: usage error."""
    app()


if __name__ == "__main__":
    main()
