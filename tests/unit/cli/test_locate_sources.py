"""`activation locate --bucket`: how an object of a source is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from cli.connectors import settings
from cli.typed import note_sandbox
from sandbox import clean_rooms, loopback, state
from sandbox.emulator import environment
from sandbox.sources import AUDIENCE, BUCKET, PREFIX

SOURCE = {
    "name": "lake",
    "kind": "bucket",
    "bucket": "example-lake",
    "prefix": "gold/vip/",
    "connector": "meta",
    "audience": "VIP",
    "identifiers": "raw",
}


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have settings with one bucket that is a source of two connectors."""
    connectors = [{"name": name, "platform": name} for name in ("meta", "tiktok")]
    other = SOURCE | {"name": "lake-2", "connector": "tiktok", "prefix": "gold/", "action": "replace"}
    settings = {"audience_activation": {"connectors": connectors, "sources": [SOURCE, other]}}
    (tmp_path / "cdk.context.json").write_text(json.dumps(settings))
    monkeypatch.chdir(tmp_path)
    yield
    note_sandbox(False)


def located(key: str, bucket: str = "example-lake") -> tuple[int, list[dict[str, Any]]]:
    """Return the exit code and what is printed."""
    done = CliRunner().invoke(app, ["locate", "--bucket", bucket, "--key", key, "--json"])
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]


def test_an_object_is_shown_as_each_connector_reads_it() -> None:
    """The audience and the action are the settings', the folder is named as it is in the bucket."""
    code, (first, second) = located("gold/vip/run-7/part-0")
    assert code == 0
    assert (first["connector"], first["audience"], first["action"]) == ("meta", "VIP", "add")
    assert first["role"] == "part"
    assert (first["key"], first["folder"]) == ("gold/vip/run-7/part-0", "gold/vip/run-7/")
    assert (second["connector"], second["action"]) == ("tiktok", "replace")


@pytest.mark.parametrize(
    ("key", "bucket", "reason"),
    [
        ("silver/a.csv", "example-lake", "foreign_bucket"),
        ("gold/vip/a.csv", "example-other", "foreign_bucket"),
        ("gold/a.csv.metadata", "example-lake", "marker"),
    ],
)
def test_an_object_that_is_no_drop_is_a_no(key: str, bucket: str, reason: str) -> None:
    """With the code that says why."""
    code, (answer,) = located(key, bucket)
    assert (code, answer["code"]) == (1, reason)


def test_a_sidecar_is_called_one() -> None:
    """A tool's own object beside its data is no drop."""
    _, (answer,) = located("meta/V/raw/run-7/.x.crc", "")
    assert answer["code"] == "marker"
    assert "a sidecar" in answer["reason"]


def test_the_sandbox_has_a_source_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --sandbox, what the settings' sources hold is no drop, and the one that is deployed there is named."""
    monkeypatch.setattr(
        state, "load", lambda _: SimpleNamespace(runs=lambda: True, ended=(), emulator=SimpleNamespace(url=""))
    )
    monkeypatch.setattr(environment, "client_environment", lambda _: {})
    monkeypatch.setattr(loopback, "activate", lambda: None)  # it would hold for all tests of this process

    def inside(key: str, bucket: str) -> tuple[int, dict[str, Any]]:
        done = CliRunner().invoke(app, ["--sandbox", "locate", "--bucket", bucket, "--key", key, "--json"])
        return done.exit_code, json.loads(done.stdout)

    code, answer = inside("gold/vip/run-7/part-0", "example-lake")
    assert (code, answer["code"]) == (1, "foreign_bucket")
    assert f"s3://{BUCKET}/{PREFIX}" in answer["reason"]
    code, answer = inside(f"{PREFIX}people.csv", BUCKET)
    assert (code, answer["audience"], answer["connector"]) == (0, AUDIENCE, "meta")
    found = settings()
    assert found is not None
    assert [one.bucket for one in found.sources] == [BUCKET, clean_rooms.BUCKET]
