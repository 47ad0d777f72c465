"""Every sample of a call, a metadata file and a data file that lies beside the project, and what becomes of it.

`pytest -s tests/unit/ci360/test_samples.py` prints the table. Without the samples, as in a clone, nothing is run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from activation.model import Action

from lambdas.ci360 import webhook
from lambdas.ci360.links import AllowedHosts
from lambdas.ci360.occurrences import State
from lambdas.ci360.settings import WebhookSettings
from lambdas.ci360.target import Targets
from tests.unit.ci360.world import BUCKET, World, event

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples" / "ci360"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside this clone")

HOSTS = AllowedHosts.of(["ci360-bulk-example.s3.us-east-1.amazonaws.com"])
OTHER_TARGETS = {"webhook-azure", "webhook-mailchimp", "webhook-optilyz", "webhook-stp"}
STATUSES = {
    "abuse-filename-other-prefix": 202,
    "apigw-http-v2-ok": 202,
    "apigw-rest-base64": 202,
    "apigw-rest-ok": 202,
    "apigw-rest-too-big": 413,
    "ssrf-other-bucket": 403,
    "expired-url": 202,
}
FILES = {
    "data": (State.LANDED, ""),
    "data-quoted": (State.LANDED, ""),
    "data-formula": (State.LANDED, ""),
    "data-bom-crlf": (State.LANDED, ""),
    "data-empty": (State.LANDED, ""),
    "data-latin1": (State.FAILED, "not_utf8"),
    "data-wrong-column-count": (State.FAILED, "column_count"),
    "metadata-json": (State.LANDED, ""),
    "metadata-csv-header": (State.LANDED, ""),
    "metadata-quoted-column": (State.LANDED, ""),
    "metadata-bad-duplicate-columns": (State.FAILED, "metadata_duplicate_column"),
    "metadata-bad-not-array": (State.FAILED, "metadata_not_array"),
}


def calls() -> list[Path]:
    """List the samples of calls."""
    kinds = ("webhook-", "bad-", "abuse-", "ssrf-", "apigw-", "expired-")
    return sorted(path for path in SAMPLES.glob("*.json") if path.name.startswith(kinds))


def expected(name: str) -> int:
    """Return what a call is answered with: a good one is taken on, everything else is the caller's mistake."""
    good = name.startswith("webhook-s3-")
    return STATUSES.get(name, 202 if good else 400)


@pytest.fixture(scope="module", autouse=True)
def _head() -> None:
    print(f"\n{'file':44}{'answer':8}effect")


def row(name: str, answer: object, effect: str) -> None:
    """Print a line of the table."""
    print(f"{name:44}{answer!s:8}{effect}")


@pytest.mark.parametrize("path", calls(), ids=lambda path: path.stem)
def test_calls(world: World, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Good ones make one record and one message, all others an answer in the guideline's form and nothing else."""
    targets = Targets("ci360/", {"meta": frozenset({Action.ADD})})
    settings = WebhookSettings("occurrences", world.queue, BUCKET, targets, HOSTS, 30)
    monkeypatch.setattr(webhook, "_made", [webhook.Webhook(settings, world.occurrences, world.sqs)])
    given: dict[str, Any] = json.loads(path.read_text())
    response = webhook.lambda_handler(given if path.name.startswith("apigw-") else event(path.read_text()), None)
    body = json.loads(response["body"])
    assert response["statusCode"] == expected(path.stem)
    assert "s3_url" not in body
    assert "X-Amz" not in response["body"]
    messages = world.messages(world.queue)
    if response["statusCode"] == 202:
        assert body["key"].startswith("ci360/")
        assert body["key"].count("/") == 1
        assert [json.loads(one["Body"])["ci360"] for one in messages] == [body["key"]]
        row(path.name, 202, body["key"])
    else:
        assert messages == []
        assert {"code", "message", "timestamp", "requestId"} <= set(body["error"])
        details = "; ".join(f"{one['field']} {one['issue']}" for one in body["error"].get("details", []))
        row(path.name, response["statusCode"], details or body["error"]["message"])


@pytest.mark.parametrize("name", FILES)
def test_files(world: World, name: str) -> None:
    """A file lands as its line in the samples' list says, or fails with a code and leaves nothing."""
    data = (SAMPLES / ("data.csv" if name.startswith("metadata") else f"{name}.csv")).read_bytes()
    metadata = "metadata-json.json"
    if name.startswith("metadata"):
        metadata = next(path.name for path in SAMPLES.iterdir() if path.stem == name)
    if name == "metadata-quoted-column":
        data = b"1,a,b\n"
    folder = world.scratch(data)
    key = world.accept(data_path=str(folder), metadata=(SAMPLES / metadata).read_text())
    state, code = FILES[name]
    assert world.advance(key) is state
    record = world.record(key)
    assert record.code == code
    if state is State.LANDED:
        body, _ = world.object(key)
        content = data.removeprefix(b"\xef\xbb\xbf")
        assert body.endswith(content)
        assert body != content
        row(name, state, f"{record.rows} rows below {body.splitlines()[0].decode()!r}")
    else:
        assert world.keys() == []
        row(name, state, f"{code}: {record.sentence}")


def test_the_expired_one(world: World) -> None:
    """The call is taken on, since only the storage knows; its 403 is final."""
    key = world.accept("1,a@b.example,X\n")
    world.outside.advance(24 * 3600)
    assert world.advance(key) is State.FAILED
    assert world.record(key).code == "link_expired"
    row("expired-url (its transfer)", "failed", world.record(key).sentence)


def test_a_redelivery_is_the_same_task(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The byte-identical second delivery has the first one's answer, the next run a key of its own."""
    targets = Targets("ci360/", {})
    settings = WebhookSettings("occurrences", world.queue, BUCKET, targets, HOSTS, 30)
    monkeypatch.setattr(webhook, "_made", [webhook.Webhook(settings, world.occurrences, world.sqs)])
    answers = [
        json.loads(webhook.lambda_handler(event((SAMPLES / f"webhook-s3-{name}.json").read_text()), None)["body"])
        for name in ("full", "redelivery", "new-occurrence-same-name")
    ]
    assert answers[0] == answers[1]
    assert answers[0]["key"] != answers[2]["key"]
    assert answers[0]["upload_filename"] == answers[2]["upload_filename"]
