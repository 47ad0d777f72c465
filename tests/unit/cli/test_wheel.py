"""The wheel, which `pip install .`, `pipx install .` and `uv tool install .` put `activation` on the PATH with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import activation
import pytest

from sandbox.place import ROOT

ENTRY = "from cli.__main__ import main; main()"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this tree and unpack it, which is all that an installer does."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(folder / f"audience_activation-{activation.__version__}-py3-none-any.whl") as wheel:
        wheel.extractall(folder / "installed")
    return folder / "installed"


def run(unpacked: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a folder of nobody's; -S leaves the developer's editable install out."""
    installed = dict.fromkeys((str(unpacked), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    return subprocess.run(
        [sys.executable, "-S", "-c", ENTRY, *arguments],
        cwd=unpacked.parent,
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(installed), "HOME": os.devnull},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_it_holds_the_command_and_nothing_that_stays_at_home(unpacked: Path) -> None:
    """Sandbox, bench and tests are not installed where somebody only operates."""
    folders = {folder.name for folder in unpacked.iterdir() if folder.suffix != ".dist-info"}
    assert folders == {"activation", "amz_stream_cli", "cli", "glue_scripts", "lambdas", "stacks"}
    assert (unpacked / "cli" / "samples" / "meta" / "people.csv").exists()  # for `activation test`


def test_it_knows_the_platforms(unpacked: Path) -> None:
    """Away from the checkout the command finds the platforms that were installed with it."""
    done = run(unpacked, "explain", "--platform", "meta", "--field", "email", "ann@example.com", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "hashed"


def test_it_normalises_an_export(unpacked: Path, tmp_path: Path) -> None:
    """Away from the checkout an export becomes a drop, without Spark."""
    (tmp_path / "people.csv").write_text("email\nann@example.com\n")
    target = {"platform": "meta", "connector": "meta", "audience": "VIP"}
    (tmp_path / "m.json").write_text(json.dumps({"target": target, "output": {"identifiers": "hashed"}}))
    given = ["--mapping", "m.json", "--input", "people.csv", "--output", "out"]
    places = [text if text.startswith("--") else str(tmp_path / text) for text in given]
    done = run(unpacked, "normalize", *places, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"]["written"] == 1


@pytest.mark.parametrize("arguments", [["demo"], ["sandbox", "up"], ["sandbox", "down"], ["--sandbox", "status"]])
def test_it_says_where_the_sandbox_is(unpacked: Path, arguments: list[str]) -> None:
    """The sandbox's commands end in one sentence and exit 2."""
    done = run(unpacked, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("the sandbox comes with the project's source")
    assert len(done.stderr.splitlines()) == 1
