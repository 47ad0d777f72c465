"""The check of the runtime's SDK at cold start."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from activation.aws import sdk
from activation.aws.clients import Clients
from activation.drops.source import choice
from activation.errors import ConfigError

from lambdas.ci360 import aws as of_ci360
from lambdas.marketing_stream import clients as of_stream
from tests.sdk_calls import calls_of, sources


def client_of(service: str) -> Any:
    """Return as much of a client as the check reads: the model of the SDK that is installed here."""
    model = botocore.session.get_session().get_service_model(service)
    return SimpleNamespace(meta=SimpleNamespace(service_model=model))


def test_every_call_of_the_functions_is_checked() -> None:
    """No source of a function calls an operation, or passes an argument, that the check does not know."""
    calls = {call for path in sources() for call in calls_of(path)}
    assert ("s3", "PutObject", "ChecksumCRC32") in calls  # the search finds what it looks for
    # An argument of the helper that calls, not of the call itself.
    helpers = {"code", "after_s"}
    unknown = {
        (service, operation, argument)
        for service, operation, argument in calls
        if argument not in {"", *helpers, *sdk.NEEDED[service].get(operation, ())}
        or operation not in sdk.NEEDED[service]
    }
    assert unknown == set()


@pytest.mark.parametrize("chosen", [choice("version", "etag"), choice("", "etag")], ids=["version", "etag"])
@pytest.mark.parametrize("operation", ["GetObject", "HeadObject"])
def test_what_chooses_an_object_s_bytes_is_checked(chosen: dict[str, Any], operation: str) -> None:
    """The arguments that a source is read with, which no call spells out, are known to the check."""
    assert chosen
    assert chosen.keys() <= sdk.NEEDED["s3"][operation]


@pytest.mark.parametrize("service", sorted(sdk.NEEDED))
def test_the_installed_sdk_has_every_call(service: str) -> None:
    """The SDK that the tests run with passes the check."""
    client = client_of(service)
    assert sdk.checked(client) is client


@pytest.mark.parametrize(
    ("needed", "named"),
    [
        ({"PutObject": frozenset({"IfMatched"})}, "s3:PutObject IfMatched"),
        ({"Teleport": frozenset()}, "s3:Teleport"),
    ],
)
def test_an_sdk_that_lacks_a_call_is_refused(
    monkeypatch: pytest.MonkeyPatch, needed: dict[str, frozenset[str]], named: str
) -> None:
    """The error names each operation and argument that the SDK does not know."""
    monkeypatch.setattr(sdk, "NEEDED", {"s3": needed})
    with pytest.raises(ConfigError, match=named) as refused:
        sdk.checked(client_of("s3"))
    assert refused.value.code == "old_sdk"


def test_a_function_is_told_to_change_its_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Lambda the SDK is the runtime's, and another runtime is what helps."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "connector")
    monkeypatch.setattr(sdk, "NEEDED", {"s3": {"Teleport": frozenset()}})
    with pytest.raises(ConfigError, match=r"the runtime's botocore .* set wheels\.python"):
        sdk.checked(client_of("s3"))


def test_every_family_of_functions_checks_its_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connectors, CI360 and the stream each refuse an SDK that is too old when they make their clients."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(sdk, "NEEDED", {"sqs": {"Teleport": frozenset()}})
    of_stream.client.cache_clear()
    for make in (
        lambda: Clients.connect("ledger"),
        lambda: of_ci360.client("sqs", None),  # type: ignore[arg-type]  # refused before it is used
        lambda: of_stream.client("sqs"),
    ):
        with pytest.raises(ConfigError, match="sqs:Teleport"):
            make()
