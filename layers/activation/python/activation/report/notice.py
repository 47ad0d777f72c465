"""What a mail about a run says: what happened, why, and what to run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from activation.model import UNREADABLE

APPROVAL = "needs_approval"
MOST_LETTERS = 1_000  # of a value in a mail; a sentence of ours is shorter


def notice(state: str, receipt: Mapping[str, Any]) -> dict[str, str]:
    """Return the lines of a mail: `what`, `why` and `next`, "" where there is no more to say.

    EventBridge puts them into a JSON text without escaping them
    (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html, read 2026-11-29), so
    they have no quotation mark, backslash or control character.
    """
    reason = receipt["reason"] or {"code": "", "sentence": ""}
    connector, run = receipt["connector"], receipt["run_id"]
    redrive = f"activation redrive --connector {connector} --run {run}"
    again = (
        "remove the cause"
        if state == "blocked"
        else "correct the file and drop it again, or if it was not at fault"
    )
    happened = "has failed" if state == "failed" else f"is {state}"
    what = f"A run of connector {connector} {happened}; audience {receipt['audience']['name']}, run {run}."
    if receipt["audience"]["name"] == UNREADABLE:
        what = f"A drop of connector {connector} {happened}, run {run}; its key is {receipt['drop']['key']}"
        again = "correct what the reason names and drop it again, or if it was not at fault"
    then = f"{again}: {redrive}"
    if reason["code"] == APPROVAL:
        then = f"where the export is right: activation audiences approve {run}"
    lines = {
        "what": what,
        "why": f"{reason['code']}: {reason['sentence']}" if reason["code"] else "",
        "next": f"See activation receipt {run}; {then}",
    }
    return {name: _plain(text) for name, text in lines.items()}


def incomplete_notice(receipt: Mapping[str, Any]) -> dict[str, str]:
    """Return the lines of a mail about a run whose audience is incomplete until the run ends: as `notice`."""
    run, audience = receipt["run_id"], receipt["audience"]["name"]
    lines = {
        "what": f"Audience {audience} of connector {receipt['connector']} is incomplete; run {run}.",
        "why": " ".join(one["sentence"] for one in receipt["warnings"] if one["code"] == "replace_incomplete"),
        "next": f"The run goes on by itself. See activation receipt {run}",
    }
    return {name: _plain(text) for name, text in lines.items()}


def folder_notice(connector: str, folder: str, code: str, sentence: str) -> dict[str, str]:
    """Return the lines of a mail about a folder: as `notice`, for one that has no run yet."""
    lines = {
        "what": f"A folder of connector {connector} waits: {folder}",
        "why": f"{code}: {sentence}",
        "next": f"See activation status --connector {connector}",
    }
    return {name: _plain(text) for name, text in lines.items()}


def overdue_notice(connector: str, audience: str, code: str, sentence: str) -> dict[str, str]:
    """Return the lines of a mail about a drop that has not come: as `notice`."""
    lines = {
        "what": f"No drop has come for audience {audience} of connector {connector}.",
        "why": f"{code}: {sentence}",
        "next": f"See activation status --connector {connector}, then what exports the file",
    }
    return {name: _plain(text) for name, text in lines.items()}


def finding_notice(subject: str, check: str, sentence: str, command: str, *, fails: bool) -> dict[str, str]:
    """Return the lines of a mail about a finding of the daily `doctor`: as `notice`.

    `subject` is the connector or the app, `command` examines it again.
    """
    lines = {
        "what": f"{subject}: {check} {'needs attention now' if fails else 'will need attention'}",
        "why": sentence,
        "next": f"See {command}",
    }
    return {name: _plain(text) for name, text in lines.items()}


def _plain(text: str) -> str:
    shown = text.translate({ord('"'): "'", ord("\\"): "/"})
    shown = "".join(letter if letter.isprintable() else " " for letter in shown)
    return shown if len(shown) <= MOST_LETTERS else f"{shown[:MOST_LETTERS]}..."
