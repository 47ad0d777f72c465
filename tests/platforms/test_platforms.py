"""What every platform's one object must keep to, and how platforms are found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from activation.errors import ConfigError
from activation.identifiers.table import FieldTable
from activation.model import Action
from activation.platforms.credentials import Credentials
from activation.platforms.discovery import (
    UnknownPlatform,
    every_platform,
    fields_of,
    platform_named,
    platforms,
)
from activation.platforms.limits import Limits
from activation.platforms.options import complete, problems
from activation.platforms.platform import FieldsOnly, Platform
from activation.platforms.request import Request

from tests.platforms.conformance import built, requests_of
from tests.platforms.signing import account_of, canary, secret_of, signer_of

ROOT = Path(__file__).parents[2]
FOLDERS = ROOT / "lambdas"
PATHS = (str(ROOT), str(ROOT / "layers" / "activation" / "python"))

each_platform = pytest.mark.parametrize("platform", platforms().values(), ids=platforms())
each_folder = pytest.mark.parametrize("named", every_platform().values(), ids=every_platform())

# Reads folders to search as JSON, has every platform found, and writes them and the modules that this loaded.
FIND_THEM = """
import json, sys
sys.path[:0] = json.load(sys.stdin)
from activation.platforms.discovery import every_platform, platforms
found = every_platform()
said = {name: [one.title, list(one.api)] for name, one in found.items()}
options = {name: [option.name for option in one.options] for name, one in platforms().items()}
keys = {name: one.authentication.required_keys for name, one in platforms().items()}
modules = sorted(sys.modules)
without_arrow = []
for name, one in found.items():
    try:
        one.table
    except ImportError:
        without_arrow.append(name)
print(json.dumps([said, options, keys, modules, without_arrow]))
"""


ACME = """
from activation.platforms.platform import FieldsOnly
PLATFORM = FieldsOnly(name='acme', title='Acme', load=lambda: None)
"""


def found_in(*more: Path) -> subprocess.CompletedProcess[str]:
    """Find platforms in a Python that has the standard library, our own sources and `more`, and nothing else."""
    return subprocess.run(
        # -I: no variables, no user site, no current folder; -S: no site-packages; -B: the folders stay as they are
        [sys.executable, "-I", "-S", "-B", "-c", FIND_THEM],
        input=json.dumps([*map(str, more), *PATHS]),
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_folder_of_a_publisher_or_of_fields_has_a_platform() -> None:
    """What lies in a folder cannot be forgotten: its platform.py names it."""
    fields, publishers, handlers = (
        {path.parent.name for path in FOLDERS.glob(f"*/{module}.py")}
        for module in ("fields", "publisher", "handler")
    )
    assert fields | publishers == set(every_platform())
    assert publishers == set(platforms()) <= handlers


def test_a_family_is_a_folder_that_several_platforms_share() -> None:
    """It is no platform itself, and more than one names it."""
    members: dict[str, list[str]] = {}
    for name, one in platforms().items():
        members.setdefault(one.family, []).append(name)
    assert members.pop("")
    assert members["meta_graph"] == ["meta", "meta_conversions"]
    for family, names in members.items():
        assert (FOLDERS / family).is_dir()
        assert family not in every_platform()
        assert len(names) > 1


def test_platforms_are_found_without_anything_installed() -> None:
    """Synth and the settings read what a platform says of itself without Arrow, an SDK or anything for HTTP."""
    done = found_in()
    assert done.returncode == 0, done.stderr
    said, options, keys, modules, without_arrow = json.loads(done.stdout)
    assert said == {name: [one.title, list(one.api)] for name, one in every_platform().items()}
    assert options == {name: [option.name for option in one.options] for name, one in platforms().items()}
    assert keys == {name: list(one.authentication.required_keys) for name, one in platforms().items()}
    families = {f"lambdas.{one.family}" for one in platforms().values() if one.family}
    assert {one for one in modules if one.startswith("lambdas.") and one.rpartition(".")[0] not in families} == {
        *families,
        *(f"lambdas.{name}{module}" for name in every_platform() for module in ("", ".platform")),
    }
    assert without_arrow == list(every_platform()), "the check sees what is imported late"


def test_a_platform_is_added_by_its_folder(tmp_path: Path) -> None:
    """No list has to be extended for a new one."""
    (tmp_path / "lambdas" / "acme").mkdir(parents=True)
    (tmp_path / "lambdas" / "acme" / "platform.py").write_text(ACME)
    done = found_in(tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)[0]) == {"acme", *every_platform()}


@pytest.mark.parametrize(
    "text",
    [
        ACME.replace("'acme'", "'other'"),
        "PLATFORM = 'acme'\n",
        "",
    ],
    ids=["name", "type", "nothing"],
)
def test_a_folder_without_its_platform_is_named(tmp_path: Path, text: str) -> None:
    """A platform.py that names no platform, or that of another folder, stops with the module's name."""
    (tmp_path / "lambdas" / "acme").mkdir(parents=True)
    (tmp_path / "lambdas" / "acme" / "platform.py").write_text(text)
    assert "TypeError: lambdas.acme.platform.PLATFORM" in found_in(tmp_path).stderr


def test_an_unknown_platform_is_answered_with_those_there_are() -> None:
    """What cannot be sent to is not among those that drops can be sent to."""
    with pytest.raises(UnknownPlatform) as caught:
        platform_named("myspace")
    assert all(name in str(caught.value) for name in platforms())
    for name in set(every_platform()) - set(platforms()):
        with pytest.raises(UnknownPlatform):
            platform_named(name)
    with pytest.raises(UnknownPlatform, match="myspace capi"):
        fields_of("myspace", "capi")


@each_folder
def test_fields_are_found_by_name_and_by_api(named: Platform | FieldsOnly) -> None:
    """A table of fields belongs to its platform, which has a title for people."""
    assert fields_of(named.name) is named
    assert named.api == ("", "") or fields_of(*named.api) is named
    assert named.title
    assert isinstance(named.table, FieldTable)
    assert named.table.platform == named.name


@each_platform
def test_limits(platform: Platform) -> None:
    """Limits are positive, people can be added, and a call ends before its function does."""
    limits = platform.limits
    assert isinstance(limits, Limits)
    assert Action.ADD in limits.actions
    assert min(limits.max_rows, limits.max_bytes, limits.in_flight) > 0
    assert 0 < limits.timeout_s <= 240  # a function's five minutes must have room for the last call


@each_platform
def test_rates_have_sources_and_grow_with_the_tier(platform: Platform) -> None:
    """Each tier says where its numbers are from, and a better one never takes longer."""
    tiers = list(platform.rate.tiers.values())
    assert tiers
    for tier in tiers:
        assert tier.source.startswith("https://")
        assert tier.read <= "2100"
        assert all(window.requests > 0 and window.per_s > 0 for window in tier.windows)
    hours = [tier.seconds(10_000) for tier in tiers]
    assert hours == sorted(hours, reverse=True)
    assert "https://" in platform.minimum.why
    assert platform.minimum.people > 0


@each_platform
def test_options_have_defaults_that_fit(platform: Platform) -> None:
    """A connector that chooses nothing has chosen what is allowed, and what the environment can carry."""
    defaults = complete(platform.options, {})
    assert len(defaults) == len(platform.options)
    assert problems(platform.options, defaults) == {}
    assert json.loads(json.dumps(defaults)) == defaults
    for option in platform.options:
        assert option.problem(option.default) == ""
        assert all(option.problem(wrong).startswith("must be ") for wrong in (None, (), 1.5))
        assert option.meaning.endswith(".")
    assert platform.rehearsal().account.options == defaults


@each_platform
def test_the_readme_names_every_key_and_option(platform: Platform) -> None:
    """Whoever sets a connector up finds what its secret has to hold, and what may be chosen."""
    text = (FOLDERS / platform.name / "README.md").read_text()
    authentication = platform.authentication
    for name in (
        platform.account.key,
        *authentication.required_keys,
        *authentication.optional_keys,
        *(option.name for option in platform.options),
    ):
        assert f"`{name}`" in text, name


@each_platform
def test_every_call_is_built_and_named(platform: Platform) -> None:
    """Each call that the platform names is one that its publisher makes, and it makes no other."""
    assert {request.call for request in requests_of(platform.name)} == set(platform.calls)


@each_platform
def test_calls_are_known_by_name_and_by_path(platform: Platform) -> None:
    """A call is known by our word for it and by the request itself, as people have it before them."""
    for name in platform.calls:
        assert platform.call_of(name) == name
    for request in requests_of(platform.name):
        path = request.url.removeprefix(platform.account.endpoint)
        assert platform.call_of(f"{request.method} {path}") == request.call
        assert platform.call_of(f" {request.method} {path.partition('?')[0]}\n") == request.call
    assert platform.call_of("") == platform.call_of("GET /") == platform.call_of("nothing we know") == ""


@each_platform
def test_the_secret_is_in_headers_only(platform: Platform) -> None:
    """A publisher knows nothing of the secret; signing adds it to headers, or a signature, and nowhere else."""
    secret = secret_of(platform)
    publisher = platform.publisher(account_of(platform, secret))
    canaries = [*map(canary, secret), canary("issued")]
    signer = signer_of(platform, secret, issued=canary("issued"))
    requests = list(built(platform, publisher))
    assert {request.call for request in requests} == set(platform.calls)
    for request in requests:
        signed = signer.sign(request)
        assert not seen(canaries, request, publisher, json.dumps(dict(request.headers)))
        assert not seen(canaries, signed, signer, "")
        assert signed.content == request.content
        assert signed.headers != request.headers
        assert request.headers.items() <= signed.headers.items()
        assert all(value.isascii() and value.isprintable() for value in signed.headers.values())


def seen(canaries: list[str], request: Request, about: object, more: str) -> list[str]:
    """Return the canaries that are in a request's URL, body or repr, or in the repr of something `about` it."""
    text = request.url + request.content.decode() + request.context + f"{request!r} {about!r} {about}" + more
    return [one for one in canaries if one in text]


def test_a_secret_outside_of_the_headers_would_be_seen() -> None:
    """The search finds a secret in a request's URL, body and context, and in the repr of what is about it."""
    request, secret = Request("users", "POST", "https://platform.example/users", {}, b"{}"), canary("token")
    assert seen([secret], request, object(), "") == []
    for request_with in (
        replace(request, url=f"{request.url}?access_token={secret}"),
        replace(request, body=json.dumps({"access_token": secret}).encode()),
        replace(request, context=secret),
    ):
        assert seen([secret, canary("other")], request_with, object(), "") == [secret]
    assert seen([secret], request, {"token": secret}, "") == [secret]
    assert seen([secret], request, object(), json.dumps({"Authorization": secret})) == [secret]


@each_platform
def test_bad_secrets_name_keys_only(platform: Platform) -> None:
    """A secret that lacks a key, or has something unusable for it, is a ConfigError that names it and no value."""
    secret = secret_of(platform)
    readers: dict[str, Callable[[Platform, dict[str, object]], object]] = {platform.account.key: account_of}
    readers |= dict.fromkeys(platform.authentication.required_keys, signer_of)
    for key, read in readers.items():
        without = {name: value for name, value in secret.items() if name != key}
        unusable: list[object] = ["", None, "two\nlines", "two words", "tökén", [], {"a": 1}, True]
        for wrong in (without, *({**secret, key: value} for value in unusable)):
            with pytest.raises(ConfigError, match=key) as caught:
                read(platform, wrong)
            assert caught.value.code == "bad_secret"
            assert not any(canary(name) in str(caught.value) for name in secret)


@each_platform
def test_the_account_is_read_from_its_key(platform: Platform) -> None:
    """The ad account's id is taken in any case of its key, with the platform's prefix and without."""
    secret, key = secret_of(platform), platform.account.key
    account_id = secret[key]
    read = account_of(platform, secret)
    assert (read.account_id, read.endpoint) == (account_id, platform.account.endpoint)
    for spelling in (key.upper(), key.lower(), f" {key}"):
        given = f"{platform.account.prefix}{account_id}\n"
        assert account_of(platform, {spelling: given}) == read
    assert account_of(platform, {**secret, "endpoint": "http://127.0.0.1:1/"}).endpoint == "http://127.0.0.1:1"
    with pytest.raises(ConfigError, match=platform.account.meaning):
        account_of(platform, {**secret, key: "/"})


@each_platform
@pytest.mark.parametrize("wrong", ["/", "٣", "1\n2", " "])
def test_a_run_s_own_account_is_looked_at_as_well(platform: Platform, wrong: str) -> None:
    """The id that a run brings instead of the secret's goes into the same URLs, so it has to fit as well."""
    secret = secret_of(platform)
    account_id = str(secret.pop(platform.account.key))
    assert platform.account.read(Credentials(secret), account_id, {}).account_id == account_id
    with pytest.raises(ConfigError, match=platform.account.key):
        platform.account.read(Credentials(secret), wrong, {})


@each_platform
def test_an_account_has_one_name(platform: Platform) -> None:
    """With the platform's prefix or without it is the same, and a prefix alone is no wish for the secret's own."""
    secret, key = secret_of(platform), platform.account
    account_id = str(secret[key.key])
    assert key.canonical(f"{key.prefix}{account_id}") == key.canonical(account_id) == account_id
    assert key.own(Credentials({key.key: f"{key.prefix}{account_id}"})) == account_id
    assert (key.canonical(""), key.own(Credentials({}))) == ("", "")
    if key.prefix:
        with pytest.raises(ConfigError):
            key.read(Credentials(secret), key.canonical(key.prefix), {})
