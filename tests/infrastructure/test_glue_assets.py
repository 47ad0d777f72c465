"""The Glue job's archives: our source works from inside its own, and the wheels are those of the lock."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow
import pytest
from activation.errors import ConfigError

from glue_scripts.normalize.spark_session import FIRST_ARROW, check_arrow
from stacks.glue_assets import PYTHONS, REQUIREMENTS, glue_assets, glue_source
from tests.infrastructure.test_wheels import pins
from tests.unit.normalize.exports import mapping, write_csv

from sandbox.place import ROOT  # isort: skip

# As on Glue: the archive alone is our code; the installed packages are there, and the checkout is not.
PROGRAM = """
import sys
sys.path[:] = [sys.argv[1], *(one for one in sys.path if one), sys.argv[2]]
from glue_scripts.normalize.run import normalize
report = normalize(sys.argv[3], sys.argv[4], sys.argv[5], folder="f")
modules = [one for one in list(sys.modules.values()) if one.__name__.split(".")[0] in ("activation", "lambdas")]
outside = [one.__name__ for one in modules if sys.argv[1] not in str(one.__spec__)]
assert not outside, outside
print(report.document["rows"]["written"])
"""


def test_the_source_archive_is_all_that_the_job_needs_of_us(tmp_path: Path) -> None:
    """Run from inside its archive, data files included, the job normalises without the checkout."""
    header = ("email", "country", "state", "dob", "opt in")
    write_csv(tmp_path / "people.csv", [("ann@example.com", "Germany", "Bayern", "17 May 1980", "yes")], header)
    given = mapping(tmp_path / "m.json", consent={"column": "opt in", "allow": [True]}, columns={"state": "state"})
    site = str(Path(pyarrow.__file__).parents[1])
    arguments = [str(glue_source()), site, given, str(tmp_path / "people.csv"), str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("1", "")


def test_the_archive_of_wheels_has_every_pin_for_glue_s_python() -> None:
    """The wheels are the lock's, none is for another Python or platform, and Arrow is one that is right."""
    with zipfile.ZipFile(glue_assets("5.1").wheels) as archive:
        names = [one for one in archive.namelist() if one.endswith(".whl")]
        listed = archive.read("wheels/requirements.txt").decode().split()
    wanted = {f"{one.name}{one.specifier}" for one, _ in pins(ROOT / REQUIREMENTS)}
    assert set(listed) == wanted
    assert len(names) == len(wanted)
    fits = ("cp311-cp311-manylinux", "abi3-manylinux", "none-any")
    assert [one for one in names if not any(part in one for part in fits)] == []
    arrow = next(one for one in listed if one.startswith("pyarrow=="))
    assert int(arrow.removeprefix("pyarrow==").split(".")[0]) >= FIRST_ARROW
    assert set(PYTHONS) == {"5.1", "6.0"}


def test_the_job_does_not_start_with_an_arrow_that_corrupts_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Glue 5.1's own version is refused, and the sentence says what to give the job."""
    monkeypatch.setattr(pyarrow, "__version__", "22.0.0")
    with pytest.raises(ConfigError, match=r"old_arrow.*gluewheels"):
        check_arrow()
