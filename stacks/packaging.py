"""Functions and layers as assets without Docker: source folders, wheels from the cache; layers are compiled."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aws_cdk import Annotations, AssetHashType, BundlingOptions, DockerImage, IgnoreMode
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.compiled import CompiledCopy, interpreter
from stacks.settings import Wheels
from stacks.wheels import build_layer, layer_key

ROOT = Path(__file__).resolve().parent.parent

# Lowest first: later layers overwrite files of earlier ones.
LAYERS = {
    "arrow": "Apache Arrow, pruned to columns, CSV, JSON and Parquet",
    "vendor": "Powertools, phone numbering plans, ISO countries, HTTP",
    "activation": "Audience Activation's own library",
}
# Those that single functions have besides.
FURTHER_LAYERS = {"database": "ADBC for PostgreSQL"}
CACHE = Path(".cache", "layers")

SLOWER = "each cold start takes some tenths of a second longer"
_LEFTOVERS = ["__pycache__", "*.pyc", ".DS_Store"]

ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}
RUNTIMES = {
    "3.11": lambda_.Runtime.PYTHON_3_11,
    "3.12": lambda_.Runtime.PYTHON_3_12,
    "3.13": lambda_.Runtime.PYTHON_3_13,
    "3.14": lambda_.Runtime.PYTHON_3_14,
}


def function_code(*folders: str, root: Path = ROOT) -> lambda_.Code:
    """Return the source of one function, each `lambdas/<folder>` under that path: imports are the same everywhere.

    Nothing else is in the asset, so a change to another folder changes no hash. The patterns are .gitignore's:
    without the leading slash they would exclude everything.
    """
    return lambda_.Code.from_asset(
        str(root),
        ignore_mode=IgnoreMode.GIT,
        exclude=["/*", "!/lambdas", "/lambdas/*", *(f"!/lambdas/{one}" for one in folders), "*.md", *_LEFTOVERS],
    )


def layers(
    scope: Construct, wheels: Wheels, root: Path = ROOT, names: Iterable[str] = tuple(LAYERS)
) -> list[lambda_.ILayerVersion]:
    """Make the layers of a stack's functions: the wheels, then our own library on top."""
    if not interpreter(wheels.python):
        Annotations.of(scope).add_info(f"no Python {wheels.python} is here to compile the layers: {SLOWER}")
    return [
        lambda_.LayerVersion(
            scope,
            f"{name.title()}Layer",
            code=_source_code(name, wheels, root) if name == "activation" else _wheels_code(name, wheels, root),
            description=(LAYERS | FURTHER_LAYERS)[name],
            compatible_architectures=[ARCHITECTURES[wheels.architecture]],
            compatible_runtimes=[RUNTIMES[wheels.python]],
        )
        for name in names
    ]


def _source_code(name: str, wheels: Wheels, root: Path) -> lambda_.Code:
    folder = root / "layers" / name
    return lambda_.Code.from_asset(
        str(folder),
        ignore_mode=IgnoreMode.GIT,
        exclude=_LEFTOVERS,
        bundling=BundlingOptions(
            image=DockerImage.from_registry("none"),  # asked for, and never used
            command=["compiled", wheels.python if interpreter(wheels.python) else ""],  # a part of the hash
            local=CompiledCopy(folder, wheels.python),
        ),
    )


def _wheels_code(name: str, wheels: Wheels, root: Path) -> lambda_.Code:
    requirements = root / "layers" / name / "requirements.txt"
    return lambda_.Code.from_asset(
        str(build_layer(requirements, wheels, root / CACHE)),
        # The pins define the content; hashing 100 MB of libraries at every synth would add nothing.
        asset_hash=layer_key(requirements, wheels),
        asset_hash_type=AssetHashType.CUSTOM,
    )
