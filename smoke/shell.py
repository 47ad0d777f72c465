"""The commands that a user types, run in the folder of the settings."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import cdk
from sandbox.node import Node
from sandbox.processes import tail
from smoke.steps import StepFailed

ACTIVATION = Path(sys.executable).with_name("activation")
COMMAND_S = 900.0
CDK_S = 3600.0


@dataclass(frozen=True)
class Shell:
    """Run `activation` and `cdk` in `folder`; what they print is kept in `logs`, a file for each command.

    `environment` is that of whoever types: credentials, region, and for an emulator its address.
    """

    folder: Path
    logs: Path
    environment: Mapping[str, str]
    node: Node

    def activation(self, *arguments: str, exits: Sequence[int] = (0,), given: str = "") -> str:
        """Run `activation` with `given` on its standard input; return what it prints.

        Raises StepFailed with its last lines if it ends with another code than one of `exits`.
        """
        command = [str(ACTIVATION), *arguments]
        return self._run(command, self._log(*arguments), exits, given, COMMAND_S)

    def json(self, *arguments: str, exits: Sequence[int] = (0,)) -> list[dict[str, Any]]:
        """Run `activation ... --json`; return the objects it prints, one a line."""
        printed = self.activation(*arguments, "--json", exits=exits)
        try:
            found: list[dict[str, Any]] = [json.loads(line) for line in printed.splitlines() if line]
        except ValueError:
            raise StepFailed(f"`activation {arguments[0]} --json` did not print JSON") from None
        return found

    def cdk(self, *arguments: str) -> str:
        """Run the CDK command; return what it prints. Raises StepFailed with its last lines."""
        command = cdk.command(self.node, *arguments)
        return self._run(command, self._log("cdk", *arguments), (0,), "", CDK_S)

    def outputs(self, file: Path) -> dict[str, str]:
        """Return the outputs that a deployment wrote to a file, of all its stacks together."""
        stacks = json.loads(file.read_text(encoding="utf-8"))
        return {name: text for outputs in stacks.values() for name, text in outputs.items()}

    def _log(self, *arguments: str) -> Path:
        words = [one for one in arguments if one.replace("-", "").isalpha()]
        taken = len(list(self.logs.glob("*.log")))
        return self.logs / f"{taken:02d}-{'-'.join(words[:2])}.log"

    def _run(
        self,
        command: Sequence[str],
        log: Path,
        exits: Sequence[int],
        given: str,
        within_s: float,
    ) -> str:
        with log.open("w+", encoding="utf-8", errors="replace") as errors:
            try:
                done = subprocess.run(
                    command,
                    cwd=self.folder,
                    env=dict(self.environment),
                    input=given,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    timeout=within_s,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise StepFailed(f"not finished after {within_s:.0f} s:\n{tail(log)}") from None
            errors.write(done.stdout)
        if done.returncode not in exits:
            raise StepFailed(f"exit {done.returncode}:\n{tail(log)}")
        return done.stdout
