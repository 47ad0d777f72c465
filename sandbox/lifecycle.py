"""Start and stop a sandbox: emulator, simulators, the deployed app and its secrets."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import lru_cache, partial
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from sandbox import cdk, ci360, clean_rooms, connectors, marketing_stream, node, notices, sources, state
from sandbox.emulator.environment import REGION, client_environment, functions_python
from sandbox.enforcement import inert, unenforced
from sandbox.entrances import entrances
from sandbox.errors import SandboxError
from sandbox.place import DEFAULT, ROOT, Place
from sandbox.processes import spawn, stop, stop_group, tail
from sandbox.progress import Steps
from sandbox.starting import SHORTENED, names, revive, simulators, start
from sandbox.state import State

_SYNTH_S = _DEPLOY_S = 600.0


def up(
    place: Place = DEFAULT,
    *,
    auth: bool = False,
    streams: tuple[str, ...] = (),
    steps: Steps | None = None,
    flags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Start what is not running, deploy the app as it is now, and describe the sandbox.

    `streams` are the datasets of Amazon Marketing Stream whose stacks are deployed as well; each takes seconds
    longer. `flags` are more of the CDK command's context flags, which override settings. If the sandbox is already
    up, the app is deployed again and everything in it is kept. A sandbox that cannot be started, or is
    interrupted, is stopped completely. Raises SandboxError.
    """
    with state.alone(place), _terminated_as_interrupted(), steps or Steps() as shown:
        before = state.load(place)
        if before.runs():
            if before.auth != auth:
                raise SandboxError(
                    "a sandbox is up with the other setting of --auth: `activation sandbox down` first"
                )
            if before.ended:
                with shown.step(f"restarting {names(before.ended)}, which had ended"):
                    before = revive(place, before)
            return _deploy(place, before, streams, shown, flags or {})
        if before.processes:
            with shown.step("the emulator had ended, and all that it held: removing the rest"):
                _end(place)
        _end(place)
        try:
            return _deploy(place, State(auth=auth), streams, shown, flags or {})
        except BaseException:
            _end(place)
            raise


def down(place: Place = DEFAULT) -> bool:
    """Stop everything; return whether anything was running."""
    if not place.state.exists():
        return False
    with state.alone(place):
        _end(place)
    return True


@contextmanager
def bare(place: Place, platforms: tuple[str, ...], *, auth: bool = False) -> Iterator[State]:
    """Run an emulator that holds nothing, and the simulators of these platforms, for the length of a block.

    Raises SandboxError where a sandbox is up in this place, or the processes do not start.
    """
    with state.alone(place), _terminated_as_interrupted():
        if state.load(place).runs():
            raise SandboxError(f"a sandbox is up in {place.directory}; use another directory")
        _end(place)
        place.make()
        try:
            yield start(place, State(auth=auth), platforms)
        finally:
            _end(place)


def _end(place: Place) -> None:
    stop(state.load(place).processes)
    state.forget(place)
    shutil.rmtree(place.temporary, ignore_errors=True)


def _deploy(
    place: Place, current: State, streams: tuple[str, ...], steps: Steps, flags: Mapping[str, str]
) -> dict[str, Any]:
    place.make()
    with ExitStack() as cleanup:
        with steps.step("node and the CDK command"):
            runner = node.find()
            node.install_packages(runner)
        # The synth takes longest and needs no running process, so it runs in parallel with everything up to the
        # deploy.
        synth = spawn(
            cdk.synth(
                runner,
                place,
                cdk.hosts_wheels()
                | cdk.streams(streams)
                | cdk.CI360
                | cdk.SIMULATORS
                | cdk.UNEXAMINED
                | notices.FLAG
                | connectors.flag()
                | sources.flag()
                | clean_rooms.flag()
                | dict(flags),
            ),
            place.log("synth"),
            cdk.sandbox_environment(runner, place),
            ROOT,
        )
        cleanup.callback(stop_group, synth)
        fresh = not current.processes
        if fresh:
            with steps.step("AWS emulator and ad platforms"):
                current = start(place, current, simulators())
        notices.make(current.emulator.url)
        environment = cdk.sandbox_environment(runner, place, current.emulator.url)
        if fresh:
            with steps.step("cdk bootstrap"):
                _run(cdk.bootstrap(runner), place.log("bootstrap"), environment, cleanup, place.directory)
        with steps.step("cdk synth"):
            _finish(synth, "cdk synth", place.log("synth"), _SYNTH_S)
        with steps.step("cdk deploy"):
            _run(
                cdk.deploy(runner, place, place.outputs),
                place.log("deploy"),
                environment,
                cleanup,
                place.directory,
            )
        with steps.step("secrets"):
            printed = _hand_over(current, json.loads(place.outputs.read_text()))
        with steps.step("comparing templates with what is deployed"):
            client = lru_cache(partial(connectors.client, current.emulator.url))
            printed["not_enforced"] = [asdict(one) for one in unenforced(place.cdk_out, client)]
    state.save(place, replace(current, printed=printed))
    return printed


def _run(
    command: list[str], log: Path, environment: Mapping[str, str], cleanup: ExitStack, directory: Path
) -> None:
    started = spawn(command, log, environment, directory)
    cleanup.callback(stop_group, started)
    _finish(started, " ".join(("cdk", command[2])), log, _DEPLOY_S)


def _finish(started: subprocess.Popen[bytes], name: str, log: Path, within_s: float) -> None:
    try:
        status = started.wait(timeout=within_s)
    except subprocess.TimeoutExpired:
        raise SandboxError(f"{name} was not finished after {within_s:.0f} s:\n{tail(log)}") from None
    if status:
        raise SandboxError(f"{name} failed:\n{tail(log)}")


def _hand_over(current: State, outputs: connectors.Outputs) -> dict[str, Any]:
    urls = {process.name: process.url for process in current.simulators}
    made = connectors.deployed(outputs)
    connectors.write_secrets(made, urls, current.emulator.url)
    marketing_stream.ask_queues(urls, current.emulator.url)
    ci360.let_in(outputs, urls, partial(connectors.client, current.emulator.url))
    access = client_environment(current.emulator.url)
    return {
        "aws_endpoint_url": current.emulator.url,
        "region": REGION,
        "aws_access_key_id": access["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": access["AWS_SECRET_ACCESS_KEY"],
        "drops_bucket": connectors.output(outputs, "DropsBucket"),
        "receipts_bucket": connectors.output(outputs, "ReceiptsBucket"),
        "mirrors_bucket": connectors.output(outputs, "MirrorsBucket"),
        "simulators": urls,
        "shortened": SHORTENED,
        "connectors": {one.name: {"platform": one.platform, **one.resources} for one in made},
        "notices_queue_url": notices.make(current.emulator.url),
        "stream_queues": marketing_stream.queues(outputs, current.emulator.url),
        "functions_python": functions_python(),
        "iam_enforced": current.auth,
        "does_nothing_here": inert(current.emulator.url),
        "source": sources.make(partial(connectors.client, current.emulator.url)),
        **entrances(outputs, current.emulator.url, partial(connectors.client, current.emulator.url)),
    }


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Make a termination signal end the command as Ctrl-C does, so that nothing is left running."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set signal handlers
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
