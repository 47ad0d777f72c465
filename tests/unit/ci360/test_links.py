"""Links: one strict form, and hosts from a list."""

from __future__ import annotations

import pytest

from lambdas.ci360.links import AllowedHosts, BadLink, HostRefused, read_link

HOSTS = AllowedHosts.of(["staging.s3.eu-central-1.amazonaws.com", ".files.example.com"])
SIGNED = (
    "https://staging.s3.eu-central-1.amazonaws.com/t/o/data.csv?X-Amz-Signature=00ff&X-Amz-Security-Token=a%2Fb%3D"
)


def test_a_signed_link_keeps_its_every_byte() -> None:
    """What is asked for is what was signed, to the last parameter."""
    link = read_link(SIGNED)
    assert (link.host, link.port) == ("staging.s3.eu-central-1.amazonaws.com", 443)
    assert link.url == SIGNED
    HOSTS.check(link)


def test_a_link_never_shows_its_signature() -> None:
    """Neither as text nor in a debugger does a link give away more than host and digest."""
    link = read_link(SIGNED)
    for shown in (str(link), repr(link), f"{link}"):
        assert "Signature" not in shown
        assert "data.csv" not in shown


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty_link"),
        ("http://staging.s3.eu-central-1.amazonaws.com/data.csv", "not_https"),
        ("file:///etc/passwd", "not_https"),
        ("ftp://staging.s3.eu-central-1.amazonaws.com/x", "not_https"),
        ("//staging.s3.eu-central-1.amazonaws.com/x", "not_https"),
        (" https://staging.s3.eu-central-1.amazonaws.com/x", "not_https"),
        ("https://me:secret@staging.s3.eu-central-1.amazonaws.com/x", "userinfo"),
        ("https://staging.s3.eu-central-1.amazonaws.com@evil.example/x", "userinfo"),
        ("https://staging.s3.eu-central-1.amazonaws.com%40evil.example/x", "malformed_link"),
        ("https://staging.s3.eu-central-1.amazonaws.com\\@evil.example/x", "malformed_link"),
        ("https://evil.example\\.staging.s3.eu-central-1.amazonaws.com/x", "malformed_link"),
        ("https://[::1]/x", "address"),
        ("https://[::ffff:10.0.0.1]/x", "address"),
        ("https://127.0.0.1/x", "address"),
        ("https://2130706433/x", "address"),
        ("https://0x7f000001/x", "address"),
        ("https://0177.0.0.1/x", "address"),
        ("https://127.1/x", "address"),
        ("https://staging.s3.eu-central-1.amazonaws.com./x", "malformed_link"),
        ("https://staging.s3.eu-central-1.amazonaws.com:/x", "malformed_link"),
        ("https://staging.s3.eu-central-1.amazonaws.com:443x/x", "malformed_link"),
        ("https://staging.s3.eu-central-1.amazonaws.com:0443/x", "malformed_link"),
        ("https://staging.s3.eu-central-1.amazonaws.com:\u0664\u0664\u0663/x", "malformed_link"),
        ("https://staging.s3.eu-central-1.amazonaws.com", "malformed_link"),
        ("https://staging.s3.eu-central-1.amazonaws.com/x#fragment", "malformed_link"),
        ("https://staging.s3.eu-central-1.amazonaws.com/x y", "malformed_link"),
        ("https://staging.s3.eu-central-1.amazonaws.com/x\r\nHost: evil.example", "malformed_link"),
        ("https://staging.s3.eu-central-1.amazonaws.com/\u00fc", "malformed_link"),
        ("https://st\u0430ging.s3.eu-central-1.amazonaws.com/x", "malformed_link"),
        ("https://\uff11\uff12\uff17.0.0.1/x", "malformed_link"),
        ("https://\u017ftaging.s3.eu-central-1.amazonaws.com/x", "malformed_link"),
        ("https://\u212aelvin.files.example.com/x", "malformed_link"),
        ("https://staging.s3.eu-central-1.amazonaws.com/%zz", "malformed_link"),
        ("https://staging.s3.eu-central-1.amazonaws.com/x?y=%2", "malformed_link"),
        ("https://-staging.example/x", "malformed_link"),
        ("https://" + "a" * 250 + ".example/x", "malformed_link"),
        ("https://staging.example/" + "a" * 9000, "long_link"),
    ],
)
def test_anything_else_is_no_link(text: str, code: str) -> None:
    """A text that two parsers could read differently is refused by the first of them, and not quoted back."""
    with pytest.raises(BadLink) as refused:
        read_link(text)
    assert refused.value.code == code
    assert not text or text not in str(refused.value)


@pytest.mark.parametrize(
    "host",
    [
        "other.s3.eu-central-1.amazonaws.com",
        "s3.eu-central-1.amazonaws.com",
        "evil-staging.s3.eu-central-1.amazonaws.com",
        "staging.s3.eu-central-1.amazonaws.com.evil.example",
        "evilfiles.example.com",
        "files.example.com",
        "localhost",
        "metadata.google.internal",
    ],
)
def test_only_listed_hosts_are_asked(host: str) -> None:
    """A neighbour's bucket, a longer name and a shorter one are all other hosts."""
    with pytest.raises(HostRefused) as refused:
        HOSTS.check(read_link(f"https://{host}/x"))
    assert refused.value.host == host


def test_a_suffix_lets_in_what_is_below_it() -> None:
    """A listed suffix begins with a dot and means every name below it; case is no matter."""
    HOSTS.check(read_link("https://A.Files.Example.COM/x"))
    HOSTS.check(read_link("https://a.b.files.example.com:443/x"))


@pytest.mark.parametrize("port", [80, 8443, 9001, 22, 65535])
def test_no_port_but_443(port: int) -> None:
    """A listed host on another port is another service."""
    with pytest.raises(BadLink) as refused:
        HOSTS.check(read_link(f"https://a.files.example.com:{port}/x"))
    assert refused.value.code == "port"


def test_the_laptop_s_exception_is_one_name_and_port() -> None:
    """Where the sandbox names its server, that very port is let in, and nothing beside it."""
    hosts = AllowedHosts.of([], "localhost:4443")
    hosts.check(read_link("https://localhost:4443/x"))
    for other in ("https://localhost/x", "https://localhost:9001/x", "https://sub.localhost:4443/x"):
        with pytest.raises((BadLink, HostRefused)):
            hosts.check(read_link(other))
    with pytest.raises((BadLink, HostRefused)):
        AllowedHosts.of([]).check(read_link("https://localhost:4443/x"))
