"""Layers hold compiled files, for the Python that the functions run with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stacks import compiled
from stacks.compiled import CompiledCopy, compile_modules, interpreter
from tests.infrastructure.conftest import Templates

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
TAG = sys.implementation.cache_tag


def test_every_layer_is_compiled(deployed: Templates) -> None:
    """The wheels' modules and our own have a compiled file each that is never compared with its source."""
    _, _, layers = deployed.functions()[0]
    assert len(layers) == 3
    for layer in layers:
        found = list(layer.rglob(f"__pycache__/*.{TAG}.pyc"))
        assert len(found) > 10
        # https://peps.python.org/pep-0552/: the second word's lowest bit says "by hash", the next "check it".
        assert {int.from_bytes(one.read_bytes()[4:8], "little") for one in found} == {0b01}


def test_without_the_version_nothing_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer of a version that the machine does not have goes as it is; nothing is downloaded."""
    assert interpreter(HERE) == sys.executable
    assert interpreter("3.99") == ""
    monkeypatch.setattr(compiled, "interpreter", lambda _: "")
    (tmp_path / "module.py").write_text("x = 1\n")
    compile_modules(tmp_path, "3.99")
    assert [one.name for one in tmp_path.iterdir()] == ["module.py"]


def test_a_file_that_cannot_be_compiled_is_left(tmp_path: Path) -> None:
    """A template among a package's files stops nothing."""
    (tmp_path / "broken.py").write_text("def (:\n")
    (tmp_path / "module.py").write_text("x = 1\n")
    compile_modules(tmp_path, HERE)
    assert [one.name for one in (tmp_path / "__pycache__").iterdir()] == [f"module.{TAG}.pyc"]


def test_a_copy_has_none_of_the_caches_beside_its_source(tmp_path: Path) -> None:
    """Compiled files of whoever develops, with paths of their machine, are not deployed."""
    source = tmp_path / "layer" / "python"
    (source / "__pycache__").mkdir(parents=True)
    (source / "__pycache__" / "old.pyc").write_bytes(b"\0")
    (source / "module.py").write_text("x = 1\n")
    assert CompiledCopy(tmp_path / "layer", HERE).try_bundle(str(tmp_path / "out"))
    (found,) = (tmp_path / "out").rglob("*.pyc")
    assert found.name == f"module.{TAG}.pyc"
    assert b"/opt/python/module.py" in found.read_bytes()
    assert str(tmp_path).encode() not in found.read_bytes()
