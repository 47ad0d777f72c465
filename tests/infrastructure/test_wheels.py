"""The wheel layers: the versions that were tested, built the same everywhere, and nothing the SDK would refuse."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stacks import wheels as wheels_module
from stacks.packaging import LAYERS, ROOT
from stacks.settings import Wheels
from stacks.wheels import WheelsError, build_layer, layer_key

AWS = Wheels("arm64", "3.13", "linux")
WHEEL_LAYERS = [name for name in LAYERS if name != "activation"]


def pins(file: Path) -> list[tuple[Requirement, list[str]]]:
    """Read a compiled requirements file: each pin with its hashes."""
    found = []
    for line in file.read_text().replace("\\\n", "").splitlines():
        if line and not line.lstrip().startswith("#"):
            requirement, *hashes = line.split("--hash=")
            found.append((Requirement(requirement.strip()), hashes))
    return found


@pytest.mark.parametrize("name", WHEEL_LAYERS)
def test_layers_hold_the_versions_that_are_tested(name: str) -> None:
    """A layer's pins are the project's own lock: what the tests ran with is what Lambda gets."""
    for requirement, hashes in pins(ROOT / "layers" / name / "requirements.txt"):
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        assert metadata.version(requirement.name) == specifier.version
        assert hashes


def test_no_layer_holds_what_queries_receipts() -> None:
    """Awswrangler, pandas and numpy are larger than a function may be: they are for the command line alone."""
    own = {requirement.name for requirement, _ in pins(ROOT / "cli" / "athena" / "requirements.txt")}
    assert {"awswrangler", "pandas", "numpy"} <= own
    for name in WHEEL_LAYERS:
        held = {requirement.name for requirement, _ in pins(ROOT / "layers" / name / "requirements.txt")}
        assert not held & {"awswrangler", "pandas", "numpy"}


def test_layers_never_shadow_the_sdk_with_something_it_refuses() -> None:
    """Layers come before the runtime's packages, so what both have must be in the range botocore asks for."""
    asked: dict[str, SpecifierSet] = {}
    for package in ("boto3", "botocore", "s3transfer"):
        for text in metadata.requires(package) or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate():
                asked.setdefault(requirement.name, requirement.specifier)
    ours = {
        requirement.name: Version(next(iter(requirement.specifier)).version)
        for name in WHEEL_LAYERS
        for requirement, _ in pins(ROOT / "layers" / name / "requirements.txt")
    }
    both = set(asked) & set(ours)
    assert both
    assert not {"boto3", "botocore", "s3transfer"} & set(ours)
    for package in both:
        assert ours[package] in asked[package]


def test_a_built_layer_needs_no_installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warm synth starts no installer and needs no network."""
    requirements = ROOT / "layers" / "vendor" / "requirements.txt"
    first = build_layer(requirements, AWS, tmp_path)
    monkeypatch.setattr(wheels_module, "_install", pytest.fail)
    assert build_layer(requirements, AWS, tmp_path) == first
    assert [path.name for path in tmp_path.iterdir()] == [first.name]


def test_a_layer_is_named_by_what_goes_in(tmp_path: Path) -> None:
    """Other pins, another architecture or another Python make another layer."""
    requirements = tmp_path / "arrow" / "requirements.txt"
    requirements.parent.mkdir()
    requirements.write_text("pyarrow==1\n")
    keys = {layer_key(requirements, AWS), layer_key(requirements, Wheels("x86_64", "3.13", "linux"))}
    keys |= {layer_key(requirements, Wheels("arm64", "3.12", "linux"))}
    requirements.write_text("pyarrow==2\n")
    keys |= {layer_key(requirements, AWS)}
    assert len(keys) == 4


def test_a_layer_holds_no_trace_of_where_it_was_built(tmp_path: Path) -> None:
    """The same pins make the same files on every machine, readable for Lambda's user."""
    requirements = ROOT / "layers" / "vendor" / "requirements.txt"
    one, two = (build_layer(requirements, AWS, tmp_path / name) for name in ("one", "two"))
    files = {path.relative_to(one): path.read_bytes() for path in one.rglob("*") if path.is_file()}
    assert files == {path.relative_to(two): path.read_bytes() for path in two.rglob("*") if path.is_file()}
    assert not [path for path in files if path.name in {"RECORD", "INSTALLER", "direct_url.json"}]
    assert one.stat().st_mode & 0o005 == 0o005


def test_a_wrong_hash_builds_nothing(tmp_path: Path) -> None:
    """A wheel that is not the one that was pinned is refused, and no half-built layer stays."""
    requirements = tmp_path / "vendor" / "requirements.txt"
    requirements.parent.mkdir()
    requirements.write_text(f"typing-extensions==4.16.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(WheelsError, match=r"vendor/requirements\.txt"):
        build_layer(requirements, AWS, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
