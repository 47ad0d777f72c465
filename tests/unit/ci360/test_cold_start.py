"""What a cold start imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HEAVY = {"pyarrow", "pandas", "numpy", "boto3", "s3transfer", "phonenumbers", "pycountry", "aws_lambda_powertools"}


@pytest.mark.parametrize("function", ["webhook", "transfer", "results"])
def test_nothing_heavy_is_imported(function: str) -> None:
    """Arrow, numbering plans and boto3 have no place in a webhook that has a second to answer."""
    code = f"import lambdas.ci360.{function}, sys, json; print(json.dumps(sorted(sys.modules)))"
    path = os.pathsep.join((str(ROOT), str(ROOT / "layers" / "activation" / "python")))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert not {name.partition(".")[0] for name in json.loads(done.stdout)} & HEAVY
