"""The CDK command's environment and arguments."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sandbox import cdk
from sandbox.errors import SandboxError
from sandbox.node import Node
from sandbox.place import Place

RUNNER = Node(Path("/a/node"), "24.0.0", ("npm",))


def test_sandbox_never_sees_the_developers_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Profile, credentials and configuration files of the shell are gone; the endpoint is the emulator's."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "the developer's")
    environment = cdk.sandbox_environment(RUNNER, Place(tmp_path), "http://127.0.0.1:1")
    assert "the developer's" not in environment.values()
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"


def test_synth_has_neither_endpoint_nor_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A synth cannot ask any account anything."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the developer's")
    environment = cdk.sandbox_environment(RUNNER, Place(tmp_path))
    assert not {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} & environment.keys()


def test_real_deployment_keeps_the_developers_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make deploy` works with whatever credentials the shell has."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    environment = cdk.environment(RUNNER)
    assert environment["AWS_PROFILE"] == "production"
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert environment["PATH"].startswith("/a/node:")


def test_proxies_are_passed_by_for_the_loopback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the shell is not asked for what is on this machine."""
    monkeypatch.setenv("NO_PROXY", "intranet")
    assert cdk.sandbox_environment(RUNNER, Place(tmp_path))["NO_PROXY"] == "intranet,127.0.0.1,localhost"


def test_the_app_runs_with_this_python(tmp_path: Path) -> None:
    """The sandbox's synth does not depend on which `python3` comes first on the PATH."""
    command = cdk.synth(RUNNER, Place(tmp_path), {})
    assert command[command.index("--app") + 1] == f"{sys.executable} app.py"


def test_a_folder_with_a_space_stays_one_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CDK command gives the app to a shell, which would part the path of a Python at its spaces."""
    monkeypatch.setattr(sys, "executable", "/my code/.venv/bin/python")
    assert cdk.with_app(["list"]) == ["list", "--app", "'/my code/.venv/bin/python' app.py"]


@pytest.mark.parametrize("given", [["--app", "cdk.out"], ["-a", "cdk.out"], ["--app=cdk.out"]])
def test_an_app_that_is_named_is_kept(given: list[str]) -> None:
    """Whoever deploys what was synthesised before gets that deployed."""
    assert cdk.with_app(["deploy", *given]) == ["deploy", *given]


@pytest.mark.parametrize(
    ("machine", "system", "architecture", "named"),
    [
        ("x86_64", "Linux", "x86_64", "linux-laptop"),
        ("aarch64", "Linux", "arm64", "linux-laptop"),
        ("arm64", "Darwin", "arm64", "macos"),
    ],
)
def test_layers_are_built_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, machine: str, system: str, architecture: str, named: str
) -> None:
    """The emulator runs functions with the host's Python, so the wheels are the host's."""
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("platform.system", lambda: system)
    assert cdk.hosts_wheels() == {
        "wheels_architecture": architecture,
        "wheels_python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "wheels_system": named,
    }


def test_other_machines_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without wheels the sandbox says so before it starts anything."""
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(SandboxError, match="riscv64"):
        cdk.hosts_wheels()


def test_templates_of_an_earlier_synth_are_gone(tmp_path: Path) -> None:
    """A stack that is not synthesised any more is not looked for in the sandbox."""
    place = Place(tmp_path)
    place.cdk_out.mkdir(parents=True)
    former, asset = place.cdk_out / "AmzStream-NA-sp-traffic.template.json", place.cdk_out / "asset.1.json"
    former.write_text("{}")
    asset.write_text("{}")
    cdk.synth(RUNNER, place, {})
    assert not former.exists()
    assert asset.exists()
