"""Packaging: small enough, complete, and changed only by what is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from activation.platforms.discovery import platforms

from stacks.packaging import CACHE, LAYERS, ROOT
from stacks.settings import Wheels
from stacks.wheels import build_layer
from tests.infrastructure.conftest import Templates, host_wheels, synthesise, tree

# Function and layers, unzipped (read 2026-11-22):
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LIMIT_BYTES = 250 * 1024 * 1024
AWS = Wheels("arm64", "3.13", "linux")
WHEEL_LAYERS = [name for name in LAYERS if name != "activation"]


def size_bytes(folder: Path) -> int:
    """Add up the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def code_keys(templates: Templates) -> dict[str, str]:
    """Return the asset of each function by its connector."""
    return {
        function["Environment"]["Variables"]["CONNECTOR"]: function["Code"]["S3Key"]
        for function in templates.resources("AWS::Lambda::Function").values()
        if "CONNECTOR" in function["Environment"]["Variables"]
    }


def test_each_asset_holds_its_platform_and_nothing_of_another(deployed: Templates) -> None:
    """A function's asset is its platform's folder, and its family's if it has one, without caches."""
    found = {}
    for connector, asset, _ in deployed.functions():
        (handler,) = asset.glob("lambdas/*/handler.py")
        found[handler.parent.name] = sorted(path.name for path in (asset / "lambdas").iterdir())
        assert connector == handler.parent.name.replace("_", "-")
        assert [path.name for path in asset.iterdir()] == ["lambdas"]
        assert not list(asset.rglob("__pycache__"))
    assert found == {name: sorted(one.folders) for name, one in platforms().items()}
    assert found["meta_conversions"] == ["meta_conversions", "meta_graph"]


@pytest.mark.parametrize("wheels", [AWS, Wheels(**host_wheels())], ids=["aws", "host"])
def test_functions_fit_into_lambda(deployed: Templates, wheels: Wheels) -> None:
    """A function and its layers unzipped stay below Lambda's limit, for AWS and for this machine."""
    third_party = sum(
        size_bytes(build_layer(ROOT / "layers" / name / "requirements.txt", wheels, ROOT / CACHE))
        for name in WHEEL_LAYERS
    )
    for connector, asset, layers in deployed.functions():
        own = size_bytes(asset) + size_bytes(layers[0])
        assert own > 10_000, connector
        assert own + third_party < LIMIT_BYTES, connector


def test_a_change_to_one_platform_changes_no_other_function(tmp_path: Path, settings: dict[str, object]) -> None:
    """Touching a platform deploys its functions; notes and caches deploy nothing, the library deploys layers."""
    root = tree(tmp_path / "tree")
    before = synthesise(tmp_path / "before", settings, root=root)

    (root / "lambdas" / "meta" / "__pycache__").mkdir()
    (root / "lambdas" / "meta" / "__pycache__" / "handler.cpython-313.pyc").write_bytes(b"\0")
    (root / "lambdas" / "meta" / "README.md").write_text("# Meta\n")
    (root / "layers" / "activation" / "python" / "activation" / "__pycache__").mkdir(exist_ok=True)
    (root / "layers" / "activation" / "python" / "activation" / "__pycache__" / "new.pyc").write_bytes(b"\0")
    (root / "README.md").write_text("# Tree\n")
    same = synthesise(tmp_path / "same", settings, root=root)
    assert same.activation == before.activation

    (root / "lambdas" / "meta" / "publisher.py").write_text("NAME = 'changed'\n")
    after = synthesise(tmp_path / "after", settings, root=root)
    assert code_keys(after)["alpha"] != code_keys(before)["alpha"]
    assert code_keys(after)["beta-eu"] == code_keys(before)["beta-eu"]

    (root / "lambdas" / "meta_graph" / "api.py").write_text("NAME = 'changed'\n")
    family = synthesise(tmp_path / "family", settings, root=root)
    assert code_keys(family)["alpha"] != code_keys(after)["alpha"]
    assert code_keys(family)["beta-eu"] == code_keys(before)["beta-eu"]

    (root / "layers" / "activation" / "python" / "activation" / "added.py").touch()
    library = synthesise(tmp_path / "library", settings, root=root)
    assert code_keys(library) == code_keys(family)
    assert library.activation != family.activation
