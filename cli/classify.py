"""`activation classify`: what an ad platform's answer means, and whether it is worth sending again."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.completion import platforms

if TYPE_CHECKING:
    from activation.platforms.outcome import Outcome
    from activation.platforms.platform import Platform


def classify(
    *,
    platform: Annotated[
        str, typer.Option(autocompletion=platforms, help="The platform that answered, such as meta.")
    ],
    body: Annotated[
        str, typer.Argument(help="The body of the answer; - (the default) reads standard input.")
    ] = "-",
    status: Annotated[int, typer.Option(help="The HTTP status; 0 if no answer came.")] = 200,
    header: Annotated[list[str] | None, typer.Option(help="An HTTP header, as 'name: value'.")] = None,
    call: Annotated[
        str, typer.Option(help="The request, as 'METHOD path' or by the publisher's name for it.")
    ] = "",
    rows: Annotated[int, typer.Option(min=0, help="How many rows the request carried; 0 if unknown.")] = 0,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Read JSON lines, write one line each.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Show what an ad platform's answer means (ok, partial, retry, refresh_auth, stop ...) and why.

    With --jsonl each line in has "name", "call" (optional), "rows" (optional), "status", "headers" and "body",
    which may be text, an object or null; each line out has "name", "outcome", "retryable" and "reason". "rows" is
    how many rows the request carried. Without it, row indexes in the answer are read as if the request were full,
    and the answer's row count is not checked. The request is assumed to be safe to repeat. Creating an audience is
    not: in that case the app looks the audience up first.
    """
    judge = _platform(platform)
    if jsonl:
        for line in _judged(judge, sys.stdin):
            print(json.dumps(line, ensure_ascii=False))
        return
    text = sys.stdin.read() if body == "-" else body
    outcome = _judge(
        judge, {"call": call, "rows": rows, "status": status, "headers": _headers(header or []), "body": text}
    )
    if as_json:
        more = {"code": outcome.code, "platform_code": outcome.platform_code, "after_s": outcome.after_s}
        print(json.dumps(_line(outcome) | more, ensure_ascii=False))
    else:
        _show(outcome)


def _platform(name: str) -> Platform:
    from activation.platforms.discovery import UnknownPlatform, platform_named

    try:
        return platform_named(name)
    except UnknownPlatform as error:
        raise typer.BadParameter(str(error)) from None


def _judged(platform: Platform, lines: Iterable[str]) -> Iterable[dict[str, object]]:
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            one = json.loads(text)
        except ValueError:
            one = None
        if not isinstance(one, dict):
            raise typer.BadParameter(f"line {number} is not a JSON object")
        yield {"name": one.get("name", ""), **_line(_judge(platform, one))}


def _judge(platform: Platform, one: Mapping[str, Any]) -> Outcome:
    from activation.platforms.request import Answer, Request
    from activation.untrusted import mapping, whole

    body = one.get("body")
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    headers = {str(name).lower(): str(value) for name, value in mapping(one.get("headers")).items()}
    answer = Answer(whole(one.get("status")) or 0, headers, text.encode("utf-8", "surrogatepass"))
    publisher = platform.rehearsal()
    rows = max(whole(one.get("rows")) or 0, 0)
    request = Request(platform.call_of(str(one.get("call") or "")), "", "", rows=rows)
    outcome = publisher.classify(request, answer)
    if rows or outcome.refused:
        return outcome
    # Indexes of rows can only be interpreted if the request had that many rows. A full request is not the default:
    # a platform that reports how many rows it received would then seem to have lost most of them.
    full = publisher.classify(replace(request, rows=platform.limits.max_rows), answer)
    return full if full.refused else outcome


def _line(outcome: Outcome) -> dict[str, object]:
    return {"outcome": outcome.kind.value, "retryable": _sent_again(outcome), "reason": outcome.reason}


def _sent_again(outcome: Outcome) -> bool:
    """Return whether the app sends the rows again by itself: also where it cannot know that they arrived."""
    return outcome.retryable or outcome.kind == "unknown"


def _show(outcome: Outcome) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    again = "by itself" if _sent_again(outcome) else "no"
    wait = f"{outcome.after_s:g} s" if outcome.after_s else "-"
    shown = {
        "outcome": outcome.kind.value,
        "code": outcome.code or "-",
        "platform's code": outcome.platform_code or "-",
        "sent again": again,
        "wait": wait,
        "rows refused": str(outcome.refused_count),
        "reference": outcome.reference or "-",
        "reason": outcome.reason or "-",
    }
    for name, value in shown.items():
        table.add_row(name, value)
    Console(highlight=False, markup=False).print(table)


def _headers(texts: Iterable[str]) -> dict[str, str]:
    headers = {}
    for text in texts:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise typer.BadParameter("a header must be written as 'name: value'")
        headers[name.strip()] = value.strip()
    return headers
