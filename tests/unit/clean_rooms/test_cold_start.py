"""What a cold start imports: the function's layers have no Arrow."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.sdk_calls import ROOT

MISSING = {"pyarrow", "pandas", "numpy", "stringzilla"}


def test_nothing_is_imported_that_no_layer_brings() -> None:
    """Neither the function nor the rooms of the library that it uses import Arrow."""
    code = "import lambdas.clean_rooms.handler, sys, json; print(json.dumps(sorted(sys.modules)))"
    path = os.pathsep.join((str(ROOT), str(ROOT / "layers" / "activation" / "python")))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert not {name.partition(".")[0] for name in json.loads(done.stdout)} & MISSING
