"""Fetching over TLS from a server that behaves as S3 does, or does not."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from activation.errors import ActivationError, Rejected, Retryable
from starlette.applications import Starlette

from lambdas.ci360.links import AllowedHosts, HostRefused, Link, read_link
from lambdas.ci360.source import Facts, Source
from sandbox.platforms.server import running
from tests.unit.ci360.world import World

DATA = "".join(f"{n},person{n}@example.com,Town\n" for n in range(2000))


@pytest.fixture
def link(world: World) -> Link:
    """Stage a file and give the link to it."""
    return read_link(world.stage(DATA)["presignedUrls"]["dataFile"])


@pytest.fixture
def source(world: World) -> Source:
    """Return a source that trusts the simulator, and waits for two seconds."""
    return Source(world.hosts, laptop_ca=world.authority, silence_s=2)


def refused(source: Source, link: Link, *, max_bytes: int = 10**9, **how: Any) -> ActivationError:
    """Read the file, and give the error that ends it."""
    with pytest.raises(ActivationError) as error:
        _read(source, link, max_bytes=max_bytes, **how)
    return error.value


def _read(source: Source, link: Link, **how: Any) -> None:
    with source.open(link, **how) as file:
        while file.read(10_000):
            pass


def test_a_file_comes_as_it_is(source: Source, link: Link) -> None:
    """Every byte, the size and the entity tag."""
    assert source.read_whole(link, max_bytes=10**6) == DATA.encode()
    with source.open(link, max_bytes=10**6) as file:
        assert file.facts.size_bytes == len(DATA)
        assert file.facts.etag


def test_reading_goes_on_where_it_stopped(source: Source, link: Link) -> None:
    """From an offset on, by range, as long as it is the same file."""
    with source.open(link, max_bytes=10**6) as file:
        facts = file.facts
    with source.open(link, max_bytes=10**6, offset=500, known=facts) as file:
        assert file.read(10**6) == DATA.encode()[500:]


def test_a_server_without_ranges_is_read_over(world: World, source: Source, link: Link) -> None:
    """What comes whole is skipped to the offset."""
    with source.open(link, max_bytes=10**6) as file:
        facts = file.facts
    world.outside.configure(ignore_ranges=True)
    with source.open(link, max_bytes=10**6, offset=50_000, known=facts) as file:
        rest = b"".join(iter(lambda: file.read(7000), b""))
    assert rest == DATA.encode()[50_000:]


@pytest.mark.parametrize("ignore_ranges", [False, True])
def test_another_file_under_the_link_is_not_mixed_in(
    world: World, source: Source, link: Link, ignore_ranges: bool
) -> None:
    """An entity tag that changed ends the transfer, however the server answers ranges."""
    with source.open(link, max_bytes=10**6) as file:
        facts = file.facts
    world.outside.configure(changed=True, ignore_ranges=ignore_ranges)
    error = refused(source, link, offset=500, known=facts)
    assert isinstance(error, Rejected)
    assert error.code == "source_changed"


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"redirect_to": "https://127.0.0.1:9001/2018-06-01/runtime/invocation/next"}, "redirect"),
        ({"redirect_to": "http://169.254.169.254/"}, "redirect"),
        ({"no_length": True}, "no_length"),
        ({"encoding": "gzip"}, "encoded"),
    ],
)
def test_answers_that_are_final(
    world: World, source: Source, link: Link, settings: Mapping[str, Any], code: str
) -> None:
    """A redirect is never followed; without a length, or encoded, a file cannot be trusted to be whole."""
    world.outside.configure(**settings)
    error = refused(source, link)
    assert isinstance(error, Rejected)
    assert error.code == code


def test_a_redirect_leads_nowhere(world: World, source: Source, link: Link) -> None:
    """A redirect to the very server it comes from is not followed either: one request is made."""
    world.outside.configure(redirect_to=link.url)
    refused(source, link)
    assert len(world.outside.requests("/staging/")) == 1


def test_an_expired_link_is_final(world: World, source: Source, link: Link) -> None:
    """S3's word for it is 403 with a reason; there is nothing to wait for."""
    world.outside.advance(2 * 3600)
    error = refused(source, link)
    assert isinstance(error, Rejected)
    assert error.code == "link_expired"


def test_a_forged_link_is_final(source: Source, link: Link) -> None:
    """A signature that does not fit is refused, as a missing file is."""
    forged = Link(link.host, link.port, link.target.replace("data.csv", "other.csv"))
    assert refused(source, forged).code == "link_refused"


def test_a_file_above_the_limit_is_not_begun(source: Source, link: Link) -> None:
    """The announced length decides, before a byte is read."""
    error = refused(source, link, max_bytes=len(DATA) - 1)
    assert isinstance(error, Rejected)
    assert error.code == "too_large"


def test_a_cut_connection_is_worth_another_try(world: World, source: Source, link: Link) -> None:
    """Less than was announced is never taken for the whole."""
    world.outside.configure(cut_after_bytes=30_000, cuts=1)
    error = refused(source, link)
    assert isinstance(error, Retryable)
    assert source.read_whole(link, max_bytes=10**6) == DATA.encode()


def test_a_length_that_lies_is_no_whole_file(world: World, source: Source, link: Link) -> None:
    """A server that announces more than it sends has not sent the file."""
    world.outside.configure(extra_length=10)
    assert isinstance(refused(source, link), Retryable)


def test_a_silent_server_is_not_waited_for(world: World, source: Source, link: Link) -> None:
    """Two seconds without a byte, here, end the wait."""
    world.outside.fail({"route": "/staging/", "delay_s": 4})
    assert isinstance(refused(source, link), Retryable)


@pytest.mark.parametrize(("status", "final"), [(503, False), (500, False), (429, False), (404, True), (400, True)])
def test_statuses_are_told_apart(world: World, source: Source, link: Link, status: int, final: bool) -> None:
    """A busy server is asked again, after the time it names; a refusal is one."""
    world.outside.fail(
        {"route": "/staging/", "status": status, "headers": {"Retry-After": "77"}, "body": "<Error/>"}
    )
    error = refused(source, link)
    assert isinstance(error, Rejected if final else Retryable)
    if isinstance(error, Retryable):
        assert error.after_s == 77


def test_the_checked_address_is_the_one_connected_to(world: World, link: Link) -> None:
    """The name is resolved once: a second answer, however it points, is never asked for."""
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    source = Source(world.hosts, laptop_ca=world.authority, resolve=lambda *_: answers.pop(0))
    assert source.read_whole(link, max_bytes=10**6) == DATA.encode()
    assert answers == [["10.0.0.1"]]
    with pytest.raises(Rejected) as refusal:
        source.read_whole(link, max_bytes=10**6)
    assert refusal.value.code == "address_refused"


def test_the_next_address_is_tried_when_one_does_not_answer(world: World, link: Link) -> None:
    """IPv6 may be announced and lead nowhere."""
    source = Source(world.hosts, laptop_ca=world.authority, resolve=lambda *_: ["::1", "127.0.0.1"])
    assert source.read_whole(link, max_bytes=10**6) == DATA.encode()


def test_a_name_that_turns_inward_is_refused(world: World, link: Link) -> None:
    """An allowed host that resolves to this machine is not connected to."""
    hosts = AllowedHosts.of(["staging.example.com"])
    inward = Source(hosts, resolve=lambda *_: ["127.0.0.1"])
    error = refused(inward, Link("staging.example.com", 443, link.target))
    assert error.code == "address_refused"
    assert world.outside.requests("/staging/") == []


def test_the_list_is_asked_again_when_fetching(link: Link) -> None:
    """A link that got into the table by another way than the webhook is checked like any."""
    with pytest.raises(HostRefused):
        Source(AllowedHosts.of(["staging.example.com"])).open(Link("evil.example", 443, link.target), max_bytes=1)


def test_a_certificate_must_be_for_the_name(world: World, link: Link, tmp_path: Path) -> None:
    """Another name in the certificate, or an authority nobody trusts, ends it before a byte is sent."""
    authority = trustme.CA()
    pem = tmp_path / "server.pem"
    authority.issue_cert("elsewhere.example").private_key_and_cert_chain_pem.write_to_path(pem)

    with running(Starlette(), certificate=pem) as url:
        port = int(url.rpartition(":")[2])
        hosts = AllowedHosts.of([], f"localhost:{port}")
        for trusted in (authority.cert_pem.bytes().decode(), world.authority, ""):
            error = refused(Source(hosts, laptop_ca=trusted), Link("localhost", port, link.target))
            assert isinstance(error, Rejected)
            assert error.code == "tls"


def test_the_sandbox_s_authority_counts_for_its_server_alone(world: World) -> None:
    """The certificate that is trusted on a laptop is not trusted for any other host."""
    source = Source(AllowedHosts.of(["staging.example.com"], "localhost:4443"), laptop_ca=world.authority)
    trusted = {one["subject"] for one in source._public.get_ca_certs()}
    sandboxs = ssl.create_default_context(cadata=world.authority).get_ca_certs()
    ours = [one for one in sandboxs if "trustme" in str(one["subject"])]
    assert ours
    assert not any(one["subject"] in trusted for one in ours)


def test_facts_are_what_two_openings_compare() -> None:
    """Size and tag together."""
    assert Facts(1, '"a"') != Facts(2, '"a"')
    assert Facts(1, '"a"') != Facts(1, '"b"')
