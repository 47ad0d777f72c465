"""What a function's process can import and see, and what is known of it."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
import requests

from tests.unit.sandbox.emulator.driver import Emulator, until, zipped

TRIES_IMPORTS = """
import importlib
def handler(event, context):
    found = []
    for name in event:
        try:
            importlib.import_module(name)
            found.append(name)
        except ImportError:
            pass
    return found
"""


def _layer(emulator: Emulator, module: str, text: str) -> str:
    published: dict[str, Any] = emulator.client("lambda").publish_layer_version(
        LayerName=module, Content={"ZipFile": zipped({f"python/{module}.py": text})}
    )
    return str(published["LayerVersionArn"])


def _workers(emulator: Emulator, function: str) -> list[dict[str, Any]]:
    listed = requests.get(f"{emulator.url}/_workers", timeout=5).json()
    return [worker for worker in listed if worker["function"] == function]


def test_only_the_runtime_and_the_layers_can_be_imported(emulator: Emulator) -> None:
    """The SDK and the layer are there; nothing else of the developer's environment or this project is."""
    name = emulator.function(TRIES_IMPORTS, layers=(_layer(emulator, "from_a_layer", ""),))
    wanted = ["boto3", "urllib3", "dateutil", "from_a_layer"]
    developers = [
        "pyarrow",
        "requests",
        "pytest",
        "aws_lambda_powertools",
        "activation",
        "sandbox",
        "ministack",
        "pip",
    ]
    assert emulator.invoke(name, wanted + developers) == wanted


OPENS_CONNECTIONS = """
import socket
def handler(event, context):
    found = []
    for host, port in event:
        try:
            socket.create_connection((host, port), timeout=2).close()
            found.append("connected")
        except socket.gaierror:
            found.append("not looked up")
    return found
"""


def test_a_function_reaches_this_machine_alone(emulator: Emulator) -> None:
    """Whatever a secret names as its endpoint: no address outside is connected to, and no name is looked up."""
    port = int(emulator.url.rpartition(":")[2])
    name = emulator.function(OPENS_CONNECTIONS)
    outside = [("graph.facebook.com", 443), ("192.0.2.1", 443), ("2001:db8::1", 443)]
    reached = emulator.invoke(name, [("127.0.0.1", port), ("localhost", port), *outside])
    assert reached == ["connected", "connected", "not looked up", "not looked up", "not looked up"]


def test_environment_is_not_the_developers(emulator: Emulator) -> None:
    """A function sees Lambda's variables and none of the shell's that started the sandbox."""
    name = emulator.function("import os\ndef handler(event, context):\n    return dict(os.environ)\n")
    seen = emulator.invoke(name)
    assert seen["AWS_EXECUTION_ENV"].startswith("AWS_Lambda_python")
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert seen["AWS_ENDPOINT_URL"] == emulator.url
    assert not {"HOME", "VIRTUAL_ENV", "PYTHONPATH", "PYTEST_CURRENT_TEST", "USER"} & seen.keys()


def test_temporary_files_stay_in_the_sandbox(emulator: Emulator) -> None:
    """What a function puts into its temporary directory is below the sandbox's own."""
    name = emulator.function("import tempfile\ndef handler(event, context):\n    return tempfile.gettempdir()\n")
    assert emulator.invoke(name) == str(emulator.directory / "tmp")


def test_archives_are_unpacked_once(emulator: Emulator) -> None:
    """Two functions with one layer share its files, so only the first of all processes compiles them."""
    layer = _layer(emulator, "shared_layer", "")
    code = (
        "import os, shared_layer as one\ndef handler(event, context):\n    return os.path.realpath(one.__file__)\n"
    )
    places = {emulator.invoke(emulator.function(code, layers=(layer,))) for _ in range(2)}
    assert len(places) == 1
    assert places.pop().startswith(str(emulator.directory / "unpacked"))


def test_a_layer_that_cannot_be_unpacked_is_named(emulator: Emulator) -> None:
    """The error of the call says which layer, not what the emulator stumbled over."""
    client = emulator.client("lambda")
    damaged = zipped({"python/one.py": "x = 1"}).replace(b"x = 1", b"x = 2")
    layer = client.publish_layer_version(LayerName="broken", Content={"ZipFile": damaged})
    name = emulator.function("def handler(event, context):\n    return 1\n", layers=(layer["LayerVersionArn"],))
    answer = client.invoke(FunctionName=name)
    assert f"Failed to extract layer {layer['LayerVersionArn']}" in answer["Payload"].read().decode()


def test_killed_process_is_an_error_and_a_new_one_follows(emulator: Emulator) -> None:
    """A call in flight shows with its process id; killing that fails the call, and the next one starts anew."""
    name = emulator.function("import os\ndef handler(event, context):\n    return os.getpid()\n")
    pid = emulator.invoke(name)
    (worker,) = _workers(emulator, name)
    assert worker["pid"] == pid
    assert not worker["in_flight"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: not _workers(emulator, name))
    assert emulator.invoke(name) != pid


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="the system does not tell a process's peak")  # noqa: PTH110 -- a mark
def test_peak_memory_is_the_functions_own(emulator: Emulator) -> None:
    """A function's report and the list of workers tell the most memory its process had."""
    name = emulator.function("def handler(event, context):\n    return len(bytearray(150_000_000))\n")
    emulator.invoke(name)
    (worker,) = _workers(emulator, name)
    assert 150_000_000 < worker["peak_memory_bytes"] < 250_000_000
