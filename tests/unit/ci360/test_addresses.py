"""Addresses: every one the resolver gives is checked, and what is inside of it."""

from __future__ import annotations

from functools import partial

import pytest
from activation.errors import Rejected, Retryable

from lambdas.ci360.addresses import checked_addresses

INSIDE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "169.254.170.2",
    "0.0.0.0",  # noqa: S104  nothing is bound to it
    "169.254.100.1", "100.64.0.1", "0.1.2.3", "192.0.0.1", "198.18.0.1", "192.0.2.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "2002:7f00:1::", "2002:a9fe:a9fe::",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2001:db8::1", "ff02::1", "::127.0.0.1", "not an address",
]  # fmt: skip
OUTSIDE = ["52.216.0.10", "3.5.140.2", "2600:1f18::1", "::ffff:52.216.0.10", "64:ff9b::34d8:a"]


def given(answers: list[str], _host: str, _port: int) -> list[str]:
    """Resolve every name to these."""
    return answers


@pytest.mark.parametrize("address", INSIDE)
def test_nothing_inside_is_connected_to(address: str) -> None:
    """Loopback, private, link-local, shared and reserved addresses are refused in every disguise."""
    with pytest.raises(Rejected) as refused:
        checked_addresses("name", 443, laptop=False, resolve=lambda *_: [address])
    assert refused.value.code == "address_refused"


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_internet_is(address: str) -> None:
    """A global address is what is connected to."""
    assert checked_addresses("name", 443, laptop=False, resolve=lambda *_: [address]) == [address]


def test_one_bad_answer_spoils_the_rest() -> None:
    """A name that points outside and inside is refused as a whole, wherever the bad address stands."""
    for answers in (["52.216.0.10", "127.0.0.1"], ["127.0.0.1", "52.216.0.10"]):
        with pytest.raises(Rejected):
            checked_addresses("name", 443, laptop=False, resolve=partial(given, answers))


def test_a_name_nobody_knows_may_be_known_later() -> None:
    """A resolver that fails, or finds nothing, is asked again later."""

    def fails(_host: str, _port: int) -> list[str]:
        raise OSError

    for resolve in (fails, partial(given, [])):
        with pytest.raises(Retryable):
            checked_addresses("name", 443, laptop=False, resolve=resolve)


@pytest.mark.parametrize("address", [*OUTSIDE, "10.0.0.1", "169.254.169.254", "192.168.1.1"])
def test_the_laptop_s_exception_opens_loopback_only(address: str) -> None:
    """The sandbox's server is on this machine or it is not the sandbox's server."""
    assert checked_addresses("localhost", 4443, laptop=True, resolve=lambda *_: ["127.0.0.1", "::1"])
    with pytest.raises(Rejected):
        checked_addresses("localhost", 4443, laptop=True, resolve=lambda *_: ["127.0.0.1", address])
