"""The three lock files: each has what its install declares, and they agree on every version."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from sandbox.place import ROOT
from tests.infrastructure.test_wheels import pins

DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = DECLARED["optional-dependencies"]
INSTALLS = {
    "requirements.txt": ["deploy"],
    "requirements-demo.txt": ["deploy", "demo"],
    "requirements-dev.txt": ["deploy", "demo", "dev", "spark"],
}

each_install = pytest.mark.parametrize("lock", INSTALLS)


@dataclass(frozen=True)
class Pin:
    """One version of a package, the condition it is for ("" for any), and the hashes of its files."""

    version: str
    condition: str
    hashes: frozenset[str]


def locked(file: str) -> dict[str, frozenset[Pin]]:
    """Return the pins of a lock by the package's name; one package may have several, for different Pythons."""
    found: dict[str, frozenset[Pin]] = {}
    for requirement, hashes in pins(ROOT / file):
        name, version = canonicalize_name(requirement.name), str(requirement.specifier).removeprefix("==")
        pin = Pin(version, str(requirement.marker or ""), frozenset(one.strip() for one in hashes))
        found[name] = found.get(name, frozenset()) | {pin}
    return found


def declared(*extras: str) -> set[str]:
    """Name the packages of extras."""
    return {canonicalize_name(Requirement(one).name) for extra in extras for one in EXTRAS[extra]}


@each_install
def test_a_lock_has_what_its_install_declares(lock: str) -> None:
    """Nothing that pyproject.toml names for an install is missing from its lock, in a version it allows."""
    found = locked(lock)
    texts = [*DECLARED["dependencies"], *(one for extra in INSTALLS[lock] for one in EXTRAS[extra])]
    for requirement in map(Requirement, texts):
        for pin in found[canonicalize_name(requirement.name)]:
            assert requirement.specifier.contains(pin.version), requirement.name
            assert pin.hashes, requirement.name


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [("requirements.txt", "requirements-demo.txt"), ("requirements-demo.txt", "requirements-dev.txt")],
)
def test_a_larger_install_holds_the_smaller(smaller: str, larger: str) -> None:
    """What is tested is what the demo runs and what is deployed, to the version and the hash."""
    assert locked(smaller).items() < locked(larger).items()


def test_what_deploys_and_operates_brings_neither_the_sandbox_nor_the_tests() -> None:
    """A package that only runs the demo or only develops is not in the smaller lock, unless another brings it."""
    assert not locked("requirements.txt").keys() & declared("demo", "dev")
    # The simulators' own validation of requests brings jsonschema; the tests name it since they use it themselves.
    assert locked("requirements-demo.txt").keys() & declared("dev") <= {"jsonschema"}


def test_awswrangler_is_the_release_that_was_tried_with_an_arrow_that_is_right() -> None:
    """`activation receipts` has no old awswrangler without limits, and no Arrow that corrupts slices."""
    found = locked("cli/athena/requirements.txt")
    (wrangler,), (arrow,) = found["awswrangler"], found["pyarrow"]
    assert Version(wrangler.version) >= Version("3.17")
    assert Version("25") <= Version(arrow.version) < Version("26")


@pytest.mark.parametrize("part", ["layers/arrow", "layers/vendor", "layers/database", "bench"])
def test_the_other_locks_agree(part: str) -> None:
    """The layers and the bench have no version of their own of what the project's lock pins."""
    ours, theirs = locked("requirements.txt"), locked(f"{part}/requirements.txt")
    both = ours.keys() & theirs.keys()
    assert both
    for name in both:
        assert {pin.version for pin in theirs[name]} == {pin.version for pin in ours[name]}, name
