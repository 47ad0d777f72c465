"""The pinned CDK command, with a Node that can run it: `python -m sandbox.cdk synth`."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox import node
from sandbox.emulator.environment import ACCOUNT, REGION, client_environment, functions_python
from sandbox.errors import SandboxError
from sandbox.place import CACHE, ROOT, Place
from sandbox.processes import plain_environment

_PROGRAM = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
_ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "amd64": "x86_64"}
_SYSTEMS = {"Linux": "linux-laptop", "Darwin": "macos"}

# The context flag that gives a sandbox CI360's webhook, whether or not the settings have a section for it.
CI360 = {"ci360": "on"}
# The context flag that leaves the daily examination to be called by hand: tests move the sandbox's clock by days.
UNEXAMINED = {"doctor_at": "off"}
# The context flag with which a secret may name a simulator in place of its platform.
SIMULATORS = {"endpoints": "any"}


def command(runner: node.Node, *arguments: str) -> list[str]:
    """Return the beginning of every CDK command line."""
    return [str(runner.program), str(_PROGRAM), *arguments]


def with_app(arguments: Sequence[str]) -> list[str]:
    """Return CDK arguments that run the app with this Python, unless they already name an app.

    cdk.json names `python3`, which is this Python only if its environment is activated; `make` activates none.
    """
    named = any(one.partition("=")[0] in ("-a", "--app") for one in arguments)
    return [*arguments, *(() if named else ("--app", shlex.join([sys.executable, "app.py"])))]


def environment(runner: node.Node) -> dict[str, str]:
    """Return this process's environment, adapted for the CDK command."""
    # The constructs are 30 MB of Python source; without compiled files each synth takes ten seconds longer.
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | _settings(runner)


def sandbox_environment(runner: node.Node, place: Place, endpoint_url: str = "") -> dict[str, str]:
    """Return the environment of a CDK command that must not reach a real account.

    It contains none of the developer's AWS settings. Without an endpoint there are no credentials either, which is
    enough for a synth.
    """
    direct = ",".join(filter(None, (os.environ.get("NO_PROXY", ""), "127.0.0.1", "localhost")))
    return {
        **plain_environment(),
        **_settings(runner),
        "TMPDIR": str(place.temporary),
        "NO_PROXY": direct,
        "no_proxy": direct,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": REGION,
        **(client_environment(endpoint_url) if endpoint_url else {}),
    }


def _settings(runner: node.Node) -> dict[str, str]:
    return {
        "PATH": runner.path(),
        "CDK_HOME": str(CACHE / "cdk"),  # otherwise it writes to the home directory
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(CACHE / "jsii"),
    }


def hosts_wheels() -> dict[str, str]:
    """Return the context flags that build the layers for this machine, whose Python runs the functions here."""
    machine, system = platform.machine().lower(), platform.system()
    if machine not in _ARCHITECTURES or system not in _SYSTEMS:
        raise SandboxError(
            f"the sandbox runs on Linux and macOS on arm64 and x86_64; this is {system} on {machine}"
        )
    return {
        "wheels_architecture": _ARCHITECTURES[machine],
        "wheels_python": functions_python(),
        "wheels_system": _SYSTEMS[system],
    }


def streams(datasets: tuple[str, ...]) -> dict[str, str]:
    """Return the context flags that choose the stacks of Amazon Marketing Stream, whatever the settings say.

    Only one realm: the one whose region is bootstrapped in the emulator's account.
    """
    return {"stream": ",".join(datasets) or "none", "stream_realms": "NA"}


def synth(runner: node.Node, place: Place, context: Mapping[str, str]) -> list[str]:
    """Return the command that synthesises the app into the sandbox's folder.

    The templates of an earlier synth are removed, since CDK leaves them there: one of a stack that is not among
    the settings any more would be taken for deployed.
    """
    for former in place.cdk_out.glob("*.template.json"):
        former.unlink()
    share_zipped_assets(place.cdk_out)
    flags = [part for name, text in context.items() for part in ("--context", f"{name}={text}")]
    return command(runner, *with_app(["synth", "--quiet", "--output", str(place.cdk_out), *flags]))


def bootstrap(runner: node.Node) -> list[str]:
    """Return the command that bootstraps the account; next to a cdk.json it would synthesise the app first."""
    return command(runner, "bootstrap", f"aws://{ACCOUNT}/{REGION}", "--progress", "events")


def deploy(runner: node.Node, place: Place, outputs: Path) -> list[str]:
    """Return the command that deploys the synthesised app and writes the stacks' outputs to a file."""
    return command(
        runner,
        "deploy",
        "--all",
        "--app",
        str(place.cdk_out),
        "--require-approval",
        "never",
        "--method",
        "direct",  # a change set would only be for people to review
        "--concurrency",
        "4",
        "--progress",
        "events",
        "--outputs-file",
        str(outputs),
    )


def share_zipped_assets(cdk_out: Path) -> None:
    """Keep zipped assets, named by content, for the next sandbox: zipping pyarrow takes ten seconds."""
    zipped = CACHE / "zipped-assets"
    zipped.mkdir(parents=True, exist_ok=True)
    cdk_out.mkdir(parents=True, exist_ok=True)
    link = cdk_out / ".cache"  # where the CDK command looks for zipped assets
    if not link.exists():
        link.symlink_to(zipped)


def main() -> int:
    """Run the CDK command against the account that the environment names."""
    try:
        runner = node.find()
        node.install_packages(runner)
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    arguments = with_app(sys.argv[1:])
    return subprocess.run(command(runner, *arguments), env=environment(runner), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
