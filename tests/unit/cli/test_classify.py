"""`activation classify`, as scripts and as people call it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
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
