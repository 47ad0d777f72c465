"""`activation classify`, as scripts and as people call it."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.request import Answer, Request
from typer.testing import CliRunner, Result

from cli.__main__ import app


def run(*arguments: str, text: str = "") -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, ["classify", *arguments], input=text)


def judged(platform: str, *answers: dict[str, object]) -> list[dict[str, object]]:
    """Classify answers as JSON lines."""
    result = run("--platform", platform, "--jsonl", text="".join(json.dumps(one) + "\n" for one in answers))
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_line_for_a_line() -> None:
    """Each line in gives one line out, in order, with exactly the four keys."""
    lines = judged(
        "meta",
        {"name": "a", "status": 200, "headers": {}, "body": {"id": "1"}},
        {"name": "b", "status": 400, "headers": {}, "body": {"error": {"code": 190}}},
    )
    assert [line["name"] for line in lines] == ["a", "b"]
    assert [line["outcome"] for line in lines] == ["ok", "refresh_auth"]
    assert all(set(line) == {"name", "outcome", "retryable", "reason"} for line in lines)


@pytest.mark.parametrize("body", ["Service Unavailable", "", None, "<html>\udc80", [], 7])
def test_any_body(body: object) -> None:
    """A body may be text, an object or null; what is not the platform's is worth another try."""
    (line,) = judged("meta", {"name": "x", "status": 200, "headers": {}, "body": body})
    assert line["retryable"] is True


def test_no_answer_is_unknown() -> None:
    """Status 0 stands for an answer that never came."""
    (line,) = judged(
        "tiktok", {"name": "x", "call": "POST /dmp/custom_audience/create/", "status": 0, "body": None}
    )
    assert line["outcome"] == "unknown"


def test_call_decides() -> None:
    """The same code means another thing on another call."""
    body = {"error": {"code": 1, "error_subcode": 99}}
    whole, part = judged(
        "meta",
        {"name": "any", "status": 500, "headers": {}, "body": body},
        {"name": "upload", "call": "POST /1/users", "status": 500, "headers": {}, "body": body},
    )
    assert (whole["outcome"], part["outcome"]) == ("retry", "too_large")


def test_the_ad_account_is_the_reader_s_to_fill_in() -> None:
    """Where a sentence has a link to the ad account, which nobody has named here, it says so."""
    body = {"error": {"code": 200, "error_subcode": 1870090}}
    (line,) = judged("meta", {"name": "terms", "status": 400, "headers": {}, "body": body})
    assert "tos/?act=<ad account id>" in str(line["reason"])


def test_header_names_in_any_case() -> None:
    """Usage headers are found however they are written."""
    result = run(
        *("--platform", "meta", "--status", "400", "--json"),
        *("--header", 'X-Ad-Account-Usage: {"acc_id_util_pct": 100, "reset_time_duration": 77}'),
        '{"error": {"code": 613, "error_subcode": 1487742}}',
    )
    assert json.loads(result.stdout)["after_s"] == 77


class ByIndex:
    """A platform whose answers name the rows it refused by their place in the request."""

    limits = SimpleNamespace(max_rows=1_000)

    def call_of(self, call: str) -> str:
        """Return the call as it is."""
        return call

    def rehearsal(self) -> ByIndex:
        """Return the publisher, which is the same object."""
        return self

    def classify(self, request: Request, answer: Answer) -> Outcome:
        """Take an index for a row only where the request has such a row."""
        failed = json.loads(answer.body)["failed"]
        refused = {index: "invalid" for index in failed if index < request.rows}
        kind = OutcomeKind.PARTIAL if refused else OutcomeKind.OK
        return Outcome(kind, refused=refused, refused_count=len(refused))


@pytest.mark.parametrize(("rows", "outcome"), [({}, "partial"), ({"rows": 2}, "partial"), ({"rows": 1}, "ok")])
def test_rows_named_by_index(rows: dict[str, int], outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that an answer names by index are refused rows, unless the request is said to be shorter."""
    monkeypatch.setattr("cli.classify._platform", lambda _: ByIndex())
    (line,) = judged("any", {"name": "x", "status": 200, "body": {"ok": True, "failed": [1]}, **rows})
    assert line["outcome"] == outcome


@pytest.mark.parametrize(("rows", "outcome"), [({}, "ok"), ({"rows": 7}, "ok"), ({"rows": 10}, "partial")])
def test_rows_are_compared_with_what_was_received(rows: dict[str, int], outcome: str) -> None:
    """A count of received rows says that some were refused only where the request's rows are known."""
    body = {"audience_id": "1", "num_received": 7, "num_invalid_entries": 0, "invalid_entry_samples": {}}
    (line,) = judged("meta", {"name": "x", "call": "users", "status": 200, "body": body, **rows})
    assert line["outcome"] == outcome


def test_rows_on_the_command_line() -> None:
    """--rows says for one answer how many rows its request carried."""
    body = '{"audience_id": "1", "num_received": 7, "num_invalid_entries": 0, "invalid_entry_samples": {}}'
    result = run("--platform", "meta", "--call", "users", "--rows", "10", "--json", body)
    assert json.loads(result.stdout)["outcome"] == "partial"


def test_for_people() -> None:
    """Without --json the answer is a small table."""
    result = run("--platform", "tiktok", "-", text='{"code": 40105, "message": "no", "request_id": "r-1"}')
    assert result.exit_code == 0
    assert "refresh_auth" in result.stdout
    assert "40105" in result.stdout
    assert "r-1" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--platform", "nowhere", "--jsonl"), ""),
        (("--platform", "../meta", "--jsonl"), ""),
        (("--platform", "meta", "--jsonl"), "not json\n"),
        (("--platform", "meta", "--jsonl"), "[]\n"),
        (("--platform", "meta", "--header", "no colon"), "{}"),
    ],
)
def test_usage_errors(arguments: tuple[str, ...], text: str) -> None:
    """What cannot be asked is exit code 2, without an answer."""
    result = run(*arguments, text=text)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_as_a_program() -> None:
    """The command works from a pipe, as scripts use it."""
    line = json.dumps({"name": "x", "status": 403, "headers": {}, "body": {"error": {"code": 4}}}) + "\n"
    done = subprocess.run(
        [sys.executable, "-m", "cli", "classify", "--platform", "meta", "--jsonl"],
        input=line,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": "layers/activation/python", "PATH": ""},
    )
    assert json.loads(done.stdout)["retryable"] is True
