"""The `activation` command: one module per sub-command, registered here."""

from __future__ import annotations

import typer

from cli.classify import classify
from cli.locate import locate

app = typer.Typer(
    name="activation",
    help="Audience Activation for AWS: what is sent and why, drops, receipts, replays and the laptop sandbox.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)

app.command()(classify)
app.command()(locate)


def main() -> None:
    """Run the command; exits 0 for yes, 1 when the answer is no, 2 for a usage error."""
    app()


if __name__ == "__main__":
    main()
