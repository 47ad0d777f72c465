"""The types of the templates' resources, against those that the sandbox deploys."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from sandbox.emulator.environment import emulator_environment
from sandbox.emulator.inert_types import INERT
from stacks.packaging import ROOT

# With every hook, as the sandbox starts it, but without serving.
ACCEPTED = """
import json, pathlib, sys
from sandbox.emulator.__main__ import hook_in
hook_in(pathlib.Path(sys.argv[1]))
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS
print(json.dumps(sorted(_RESOURCE_HANDLERS)))
"""


def _accepted(directory: Path) -> set[str]:
    (directory / "tmp").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", ACCEPTED, str(directory)],
        cwd=ROOT,
        env=emulator_environment(4566, directory, auth=False),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_every_type_can_be_deployed_to_the_sandbox(everything: dict[str, Any], tmp_path: Path) -> None:
    """With all that can be switched on, no resource is of a type that refuses the deployment to the sandbox."""
    types = {
        resource["Type"]
        for template in everything.values()
        for resource in template["Resources"].values()
        if not resource["Type"].startswith("Custom::")
    }
    accepted = _accepted(tmp_path)
    assert types - accepted == set()
    assert INERT.keys() <= accepted
