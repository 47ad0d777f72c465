"""Nothing secret in an error, its chain, a log or an object's own text form."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator

import pytest
from activation.authentication.endpoint import TokenRequest
from activation.authentication.grant import Grant
from activation.errors import ActivationError
from activation.platforms.authentication import (
    Authentication,
    BodySignature,
    LongLivedToken,
    OAuth1,
    Several,
    StaticToken,
)

from tests.unit.authentication.token_endpoint import PATH, Fault
from tests.unit.authentication.world import REQUEST, World, failing, spec
from tests.unit.line.aws_in_memory import refusal

Make = Callable[..., World]
PLANTED = ("s3cret", "refresh-0", "t0ken", "d3v", "appsecret_proof")
OAUTH1 = OAuth1("client_id", "client_secret", "refresh_token", "developer_token")
LONG_LIVED = LongLivedToken(
    f"https://platform.invalid{PATH}", StaticToken("refresh_token", proof_key="client_secret"), "client_id",
    "client_secret",
)  # fmt: skip
EVERY = [
    spec(),
    spec(rotates=True),
    spec(client_in="basic", secret_headers={"X": "developer_token"}),
    StaticToken("developer_token", proof_key="client_secret"),
    LONG_LIVED,
    OAUTH1,
    Several((BodySignature("client_secret", "S"), BodySignature("developer_token", "T", encoding="hex"))),
]
ECHO = b'{"error": "t0ken", "error_description": "s3cret refresh-0", "access_token": 7}'


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Return an error with its causes and contexts, shown or not."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def clean(*texts: str) -> None:
    """Check that no text holds what is planted."""
    for text in texts:
        assert not [one for one in PLANTED if one in text]


@pytest.mark.parametrize("one", EVERY, ids=lambda one: type(one).__name__)
def test_a_signer_that_works_shows_and_logs_nothing(
    make_world: Make, one: Authentication, caplog: pytest.LogCaptureFixture
) -> None:
    """With every logger at the level of debugging, and every object printed."""
    caplog.set_level(logging.DEBUG)
    world = make_world("strict" if one.rotates else "none")
    world.spec = one
    signer = world.signer()
    signed = signer.sign(REQUEST)
    signer.renew(signed)
    signer.sign(REQUEST)
    tools = world.tools()
    version = tools.store.read()
    clean(caplog.text, repr(signer), repr(vars(signer).get("_state")), repr(tools), repr(version))
    clean(repr(version.credentials), repr(Grant("t0ken", 1.0, "t0ken")))
    clean(repr(TokenRequest("token", "GET", "https://h/?client_secret=s3cret")))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(400, ECHO),
        Fault(401, ECHO),
        Fault(400, b'{"error": {"message": "t0ken s3cret refresh-0", "code": 190}}'),
        Fault(200, ECHO),
        Fault(500, ECHO),
        Fault(200, b"<html>s3cret</html>"),
        Fault(302, b"", {"Location": "https://h/?t0ken"}),
        Fault(drop=True),
    ],
)
@pytest.mark.parametrize("one", [spec(), spec(rotates=True), LONG_LIVED], ids=["plain", "rotating", "long-lived"])
def test_a_token_endpoint_that_echoes_what_it_was_sent_is_not_quoted(
    make_world: Make, one: Authentication, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the error nor anything in its chain has a word of the answer or the request."""
    caplog.set_level(logging.DEBUG)
    world = make_world("strict")
    world.spec = one
    world.endpoint.faults += [fault] * 2
    failed: ActivationError | None = None
    try:
        world.signer().sign(REQUEST)
    except ActivationError as error:
        failed = error
    assert (failed is None) == isinstance(one, LongLivedToken)
    clean(caplog.text, *(f"{link!r} {link} {link.args}" for link in chain(failed)))
    clean("".join(traceback.format_exception(failed)) if failed else "")


@pytest.mark.parametrize("operation", ["get_secret_value", "put_secret_value"])
@pytest.mark.parametrize("code", ["AccessDeniedException", "InternalServiceError"])
def test_an_error_of_secrets_manager_carries_no_token(
    make_world: Make, operation: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Even when AWS were to quote what it was sent."""
    caplog.set_level(logging.DEBUG)
    world = make_world("strict")
    signer = world.signer()
    denied = refusal("Operation", code)
    denied.args = (*denied.args, "t0ken refresh-0")
    world.secrets.before.append(failing(operation, denied))
    world.clock.pass_s(1)
    with pytest.raises(ActivationError) as error:
        signer.sign(REQUEST)
    clean(caplog.text, "".join(traceback.format_exception(error.value)))
    clean(*(f"{link!r} {link.args}" for link in chain(error.value)))
