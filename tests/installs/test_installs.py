"""Each install in a fresh environment, and what its user types there: slow, and needs the package index."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import activation
import pytest

from sandbox import node
from sandbox.place import ROOT

pytestmark = pytest.mark.timeout(1800)

PEOPLE = "email,phone\nann@example.com,+14155550123\n"


def run(
    *command: str | Path, within: Path, exits: int = 0, path: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of a user who has no AWS account, with the environment's programs first on the PATH."""
    kept: Mapping[str, str] = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    kept = {name: text for name, text in kept.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    first = (str(path), os.environ["PATH"]) if path else (os.environ["PATH"],)
    done = subprocess.run(
        [str(part) for part in command],
        cwd=within,
        env={**kept, "PATH": os.pathsep.join(first), "AWS_EC2_METADATA_DISABLED": "true", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == exits, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def report(name: str, environment: Path, began: float) -> None:
    """Print what an install came to: seconds, packages, and megabytes apart from compiled files."""
    seconds = time.monotonic() - began
    packages = len(list(environment.glob("lib/python*/site-packages/*.dist-info")))
    files = [file for file in environment.rglob("*") if file.is_file() and not file.is_symlink()]
    size = sum(file.stat().st_size for file in files if file.suffix != ".pyc")
    sys.stdout.write(f"\n{name}: {packages} packages, {size / 1e6:,.0f} MB, {seconds:.0f} s")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what a clone of this tree would have, changes that are not committed included."""
    folder = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def operator(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install requirements.txt, and nothing else, into an environment; returns the folder of its programs."""
    environment = tmp_path_factory.mktemp("operator") / "environment"
    run(sys.executable, "-m", "venv", environment, within=checkout)
    began = time.monotonic()
    run(environment / "bin" / "pip", "install", "--quiet", "-r", "requirements.txt", within=checkout)
    report("requirements.txt", environment, began)
    return environment / "bin"


def test_requirements_synthesise(checkout: Path, operator: Path) -> None:
    """The CDK command runs the app as cdk.json says, with the `python3` of the environment."""
    runner = node.find()
    node.install_packages(runner, checkout)
    # What `npx cdk` runs; the Node that comes as a wheel has no npx that works.
    command = (runner.program, checkout / "node_modules" / "aws-cdk" / "bin" / "cdk")
    path = Path(f"{operator}{os.pathsep}{runner.folder}")
    run(*command, "synth", "--quiet", within=checkout, path=path)
    assert (checkout / "cdk.out" / "audience-activation-activation.template.json").exists()


def test_requirements_operate(checkout: Path, operator: Path) -> None:
    """`python -m cli` works in the checkout; what needs AWS or the sandbox ends in a sentence."""
    python = operator / "python"
    (checkout / "people.csv").write_text(PEOPLE)
    assert "Usage" in run(python, "-m", "cli", "--help", within=checkout).stdout
    explain = ("explain", "--platform", "meta", "--field", "email", "ann@example.com", "--json")
    explained = run(python, "-m", "cli", *explain, within=checkout).stdout
    assert json.loads(explained)["verdict"] == "hashed"
    plan = ("plan", "people.csv", "--connector", "meta", "--audience", "VIP", "--json")
    assert json.loads(run(python, "-m", "cli", *plan, within=checkout).stdout)["rows_sent"] == 1
    status = run(python, "-m", "cli", "status", within=checkout, exits=1, AWS_CONFIG_FILE=os.devnull)
    assert status.stderr.startswith("no AWS region is set")
    for arguments in (("demo",), ("sandbox", "up"), ("--sandbox", "status")):
        refused = run(python, "-m", "cli", *arguments, within=checkout, exits=2)
        assert "pip install -r requirements-demo.txt" in refused.stderr


def test_one_line_puts_the_command_on_the_path(checkout: Path, operator: Path, tmp_path: Path) -> None:
    """`pip install --no-deps --editable .` is all that is missing for `activation` anywhere."""
    run(operator / "pip", "install", "--quiet", "--no-deps", "--editable", ".", within=checkout)
    said = run("activation", "--version", within=tmp_path, path=operator).stdout
    assert said == f"activation {activation.__version__}\n"


def test_the_demo_runs_with_what_it_installs(checkout: Path) -> None:
    """`make demo` in a fresh clone needs nothing that only develops."""
    began = time.monotonic()
    run("make", ".venv/ready-demo", within=checkout)
    report("requirements-demo.txt", checkout / ".venv", began)
    assert not (checkout / ".venv" / "bin" / "pytest").exists()
    shown = run("make", "demo", within=checkout).stdout
    assert "0 expected members are missing, 0 unexpected ones found" in shown
