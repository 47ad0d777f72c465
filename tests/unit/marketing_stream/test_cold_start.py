"""What the functions load before they can work."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from stacks.packaging import ROOT

_LOADED = "import sys, json; import boto3; before = set(sys.modules); import {module}; "
_LOADED += "print(json.dumps(sorted(set(sys.modules) - before)))"


@pytest.mark.parametrize("module", ["fan_out", "confirm"])
def test_functions_load_nothing_but_the_sdk_and_themselves(module: str) -> None:
    """Beyond boto3 a function imports its own folder, the library's room for AWS and the standard library."""
    done = subprocess.run(
        [sys.executable, "-c", _LOADED.format(module=f"lambdas.marketing_stream.{module}")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "layers" / "activation" / "python")},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(json.loads(done.stdout))
    assert {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names) == {"activation", "lambdas"}
    ours = {name for name in loaded if name.startswith("activation.") and not name.startswith("activation.aws")}
    assert ours == {"activation.errors"}
