"""The command in a checkout where requirements.txt is installed, without an editable install or a deployed app."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import activation
import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from sandbox.place import ROOT

ACCESS = {"AWS_ACCESS_KEY_ID": "1", "AWS_SECRET_ACCESS_KEY": "2", "AWS_REGION": "us-east-1"}
NOBODY = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}  # the discard port: nobody listens


def run(*arguments: str, module: str = "cli", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the checkout as `pip install -r requirements.txt` leaves it.

    Without -S, Python would read the file by which an editable install puts the checkout on the import path.
    """
    installed = os.pathsep.join(dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))))
    environment = {"PATH": os.defpath, "PYTHONPATH": installed, "HOME": os.devnull, "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, "-S", "-m", module, *arguments],
        cwd=ROOT,
        env={**environment, "AWS_EC2_METADATA_DISABLED": "true", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_check_sees_an_editable_install() -> None:
    """In the Python that these tests start, the library is not there unless the command finds it itself."""
    assert "No module named activation" in run(module="activation").stderr


def test_a_value_is_explained() -> None:
    """The command finds the library and the platforms' folders by itself."""
    done = run("explain", "--platform", "meta", "--field", "email", "ann@example.com", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "hashed"


def test_a_file_is_planned(tmp_path: Path) -> None:
    """A dry run needs the settings here, and no AWS."""
    (tmp_path / "people.csv").write_text("email\nann@example.com\n")
    done = run("plan", str(tmp_path / "people.csv"), "--connector", "meta", "--audience", "VIP", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows_sent"] == 1


@pytest.mark.parametrize(
    "variables",
    [{"AWS_REGION": "us-east-1"}, {"AWS_PROFILE": "not-there"}, {**ACCESS, **NOBODY}],
    ids=["no credentials", "no such profile", "nobody answers"],
)
def test_status_without_a_deployed_app_is_a_sentence(variables: dict[str, str]) -> None:
    """Where the app cannot be found, `status` says what to check and exits 1."""
    done = run("status", **variables)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("the app was not found in this AWS account and region (")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["status", "doctor"])
def test_a_region_that_is_missing_is_what_is_named(command: str) -> None:
    """Neither the account nor the credentials are blamed."""
    done = run(command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "no AWS region is set: give --region before the command, or set AWS_REGION\n"


def test_the_version_is_the_packages() -> None:
    """`--version` prints the one version that the package is built with."""
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"activation {activation.__version__}\n")
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert (ROOT / declared["tool"]["hatch"]["version"]["path"]).samefile(activation.__file__)
