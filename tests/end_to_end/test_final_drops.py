"""Drops that are deleted once their run is final, through the deployed app, and how they can be sent again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.end_to_end.driver import until
from tests.end_to_end.line import Line
from tests.end_to_end.people import as_csv, people
from tests.end_to_end.records import Put
from tests.end_to_end.test_commands import activation

pytestmark = pytest.mark.faults  # the line tests of final drops are in `make test`
COUNT = 300
DELETES = {"DELETE_FINAL_DROPS": "1"}


def left(line: Line, prefix: str) -> list[str]:
    """Return the names of the objects below a prefix of the drops bucket: every version, and delete markers."""
    bucket = line.sandbox.described["drops_bucket"]
    found = line.sandbox.client("s3").list_object_versions(Bucket=bucket, Prefix=prefix)
    markers = [f"deleted {one['Key']}" for one in found.get("DeleteMarkers", [])]
    return sorted([*(one["Key"].rsplit("/", 1)[-1] for one in found.get("Versions", [])), *markers])


def folder(line: Line, audience: str, body: bytes) -> Put:
    """Drop a folder of one file, which is written twice; return what begins the run."""
    for _ in range(2):
        line.sandbox.drop(f"{line.connector}/{audience}/raw/night/part-0.csv", body)
    return line.put_key(f"{line.connector}/{audience}/raw/night/_SUCCESS", b"")


def replayed(line: Line, since: datetime, *options: str) -> None:
    """Replay what was announced from then on by the command."""
    to = datetime.now(tz=UTC) + timedelta(seconds=2)
    first, last = (f"{at:%Y-%m-%dT%H:%M:%S}" for at in (since, to))
    done = activation(line, "replay", "--from", first, "--to", last, "--connector", line.connector, *options)
    assert done.returncode == 0, done.stderr


def failed(line: Line) -> list[str]:
    """Return the codes of the failed runs of the audience."""
    listed = activation(line, "runs", "--audience", "Final", "--state", "failed", "--json").stdout
    return [json.loads(one)["code"] for one in listed.splitlines()]


@pytest.mark.parametrize("how", ["replay", "forced replay"])
def test_a_deleted_drop_is_sent_to_nobody_again(meta: Line, how: str) -> None:
    """A replay finds the run ended; a forced one fails with a code, and so does its redrive."""
    meta.reset(DELETES)
    began, some = datetime.now(tz=UTC), people(COUNT, "final")
    assert meta.finish(folder(meta, "Final", as_csv(some)))["state"] == "applied"
    assert left(meta, "meta/Final/") == ["_SUCCESS"]
    before = len(meta.calls())
    replayed(meta, began, *(["--force"] if how == "forced replay" else []))
    if how == "replay":
        meta.wait_until_quiet()
        assert meta.dead_letters() == []
    else:
        assert until(lambda: failed(meta) or None, 60) == ["object_gone"]
        redrive = ("redrive", "--connector", meta.connector, "--reason", "object_gone")
        again = activation(meta, *redrive, "--yes", "--json")
        assert json.loads(again.stdout)["repeated"] == 1
        meta.wait_until_quiet()
        assert (failed(meta), meta.dead_letters()) == (["object_gone"], [])
    assert len(meta.calls()) == before
    assert meta.held("Final") == meta.members(some)


def test_a_blocked_drop_is_deleted_after_its_redrive(meta: Line) -> None:
    """It is what the redrive reads; a file of its own goes a quarter of an hour later, every version of it."""
    meta.reset(DELETES)
    some = people(COUNT, "blocked")
    meta.sandbox.simulator_config("meta", accounts=[{"terms_accepted": False}])
    puts = [meta.put("Blocked", as_csv(some)) for _ in range(2)]
    for put in puts:
        assert meta.finish(put)["state"] in ("blocked", "superseded")
    assert "people.csv" in left(meta, "meta/Blocked/")
    meta.sandbox.simulator_config("meta", accounts=[{"terms_accepted": True}])
    meta.redrive()
    assert meta.finish_again(puts[-1])["state"] == "applied"
    meta.pass_time(1_000)
    until(lambda: left(meta, "meta/Blocked/") == [] or None, 60)
    assert meta.held("Blocked") == meta.members(some)


def test_nothing_is_deleted_in_a_source(meta: Line) -> None:
    """It is another owner's bucket, whatever the settings say."""
    meta.reset(DELETES)
    source, s3 = meta.sandbox.described["source"], meta.sandbox.client("s3")
    some = people(COUNT, "not-ours")
    keys = [f"{source['prefix']}run-9/{name}" for name in ("part-00000.csv", "_SUCCESS")]
    for key, body in zip(keys, (as_csv(some), b""), strict=True):
        s3.put_object(Bucket=source["bucket"], Key=key, Body=body)
    until(lambda: meta.held(source["audience"]) == meta.members(some) or None, 90)
    meta.wait_until_quiet()
    meta.pass_time(1_000)
    found = s3.list_object_versions(Bucket=source["bucket"], Prefix=f"{source['prefix']}run-9/")
    assert sorted(one["Key"] for one in found["Versions"]) == sorted(keys)
    assert found.get("DeleteMarkers", []) == []
