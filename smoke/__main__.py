"""`python -m smoke`: from an empty state to destroyed, on the emulator or on AWS."""

from __future__ import annotations

import shutil
import signal
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Annotated

import typer

from sandbox.errors import SandboxError
from sandbox.place import DEFAULT, Place
from smoke.aws import Target, on_aws
from smoke.emulated import emulated
from smoke.ground import Account
from smoke.life import Life
from smoke.steps import StepFailed, Steps


def smoke(
    aws: Annotated[
        bool,
        typer.Option("--aws", help="On AWS, with the environment's credentials and region; this costs cents."),
    ] = False,
    endpoint: Annotated[
        str, typer.Option(help="With --aws: a server that answers as the sandbox's simulator of Meta does.")
    ] = "",
    secret: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="With --aws: the secret of an ad account of yours, as JSON."
        ),
    ] = None,
) -> None:
    """Deploy the app under a fresh name, send ten invented people, replay, destroy, and look what is left.

    Exit 1 at the first step that does not end as it must; what was deployed is then destroyed.
    """
    steps = Steps()
    place = Place(DEFAULT.directory / "smoke")
    shutil.rmtree(place.directory, ignore_errors=True)
    opened: AbstractContextManager[Account] = on_aws(place, Target(endpoint, secret)) if aws else emulated(place)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was deployed is destroyed
    try:
        with ExitStack() as stack:
            with steps.step("an account of AWS" if aws else "an empty emulator, and a simulated Meta"):
                account = stack.enter_context(opened)
            Life(account, steps).live()
    except (StepFailed, SandboxError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"all of it in {steps.seconds:.0f} s")


if __name__ == "__main__":
    typer.run(smoke)
