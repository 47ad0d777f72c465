"""What a receipt, a key and a status line look like when their names are out to mislead."""

from __future__ import annotations

import re
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from cli.printable import printable
from cli.receipt_table import print_receipt

NAME = "[/red] [bold]VIP[/bold] :smile: \x1b[2J\rx"
SHOWN = r"[/red] [bold]VIP[/bold] :smile: \x1b[2J\rx"


def receipt(**more: object) -> dict[str, Any]:
    """Return a small receipt of a drop for an audience of that name."""
    return {
        "run_id": "r",
        "state": "applied",
        "connector": "meta",
        "audience": {"name": NAME, "id": "1", "created": True},
        "drop": {"key": f"meta/{NAME}/raw/x.csv"},
        "reason": None,
        "rows": {"in": 1, "read": 1, "acknowledged": 1, "rejected_by_us": 0, "rejected_by_platform": 0},
        "rejected_by_us": {},
        "rejected_by_platform": {},
        "cells_left_out": {},
        "columns": {"used": {NAME: "EMAIL"}, "ignored": [NAME]},
        "requests": 1,
        "resent": 0,
        "seconds": 1.0,
        "active_seconds": 1.0,
        "platform_notes": {"messages": NAME},
        "rejects_key": f"receipts/meta/{NAME}/r.rejects.csv",
        **more,
    }


def test_names_in_a_receipt_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Square brackets are no markup, colons no emoji, and control characters are spelled out."""
    print_receipt(receipt())
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\r" not in shown
    flat = "".join(shown.replace("│", "").split())
    assert flat.count("".join(SHOWN.split())) >= 3


@pytest.mark.parametrize(("more", "shown"), [({}, False), ({"rows_mended": 0}, False), ({"rows_mended": 3}, True)])
def test_mended_rows_are_shown_where_there_are_any(
    capsys: pytest.CaptureFixture[str], more: dict[str, int], *, shown: bool
) -> None:
    """A receipt of an earlier release says nothing of them."""
    print_receipt(receipt(**more))
    assert ("of these mended" in capsys.readouterr().out) == shown


@pytest.mark.parametrize(("more", "shown"), [({}, False), ({"in_doubt": 0}, True), ({"in_doubt": 3_000}, True)])
def test_doubt_is_shown_of_events(
    capsys: pytest.CaptureFixture[str], more: dict[str, int], *, shown: bool
) -> None:
    """Also that there is none; a receipt of people has nothing to say of it."""
    print_receipt(receipt(identifiers={"em": 1}, **more))
    out = capsys.readouterr().out
    assert (f"{more.get('in_doubt', 0):,} │ times an event was sent" in out) == shown
    assert ("cells sent" in out) == shown


@pytest.mark.parametrize(
    ("active", "shown"), [(0.5, "of which 0.5 working, the rest waiting"), (2.6, "all its invocations took 2.6")]
)
def test_the_time_of_work_is_no_part_of_less(
    capsys: pytest.CaptureFixture[str], active: float, shown: str
) -> None:
    """Workers at one time, and those before a redrive, may take longer together than the run."""
    print_receipt(receipt(active_seconds=active))
    assert shown in " ".join(capsys.readouterr().out.replace("│", "").split())


def test_warnings_stand_under_the_sums(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its code and its sentence; a receipt of an earlier release has none."""
    print_receipt(receipt(warnings=[{"code": "audience_small", "sentence": f"few people in {NAME}"}]))
    assert f"warning  audience_small: few people in {SHOWN}" in capsys.readouterr().out
    print_receipt(receipt())
    assert "warning" not in capsys.readouterr().out


def test_a_key_is_shown_as_it_is() -> None:
    """`locate` shows a key's parts letter by letter."""
    done = CliRunner().invoke(app, ["locate", "--key", f"meta/{NAME.replace('/', '')}/raw/x.csv"])
    assert done.exit_code == 0
    assert "\x1b" not in done.output
    assert "[bold]VIP[bold]" in done.output


def test_half_a_character_is_spelled_out() -> None:
    """A lone surrogate would end the command when it is printed."""
    assert printable("a\ud800b") == r"a\ud800b"
    assert printable("x" * 300, most=200) == "x" * 200 + " ... (300 characters)"


def test_the_receipt_of_a_folder_says_what_was_not_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """The number of its files, and the first names of those that were skipped or left over."""
    skipped = {"count": 9, "names": [f"m{at}" for at in range(9)]}
    folder = {"prefix": "p/", "files": 200, "skipped": skipped, "stale": {"count": 1, "names": ["old"]}}
    print_receipt(receipt(folder=folder), sandbox=False)
    shown = re.sub(r"[^\w,.:;]+", " ", capsys.readouterr().out)
    assert "files 200 9 skipped: m0, m1, m2, m3, m4, ...; 1 stale: old" in shown


def test_a_blocked_mirror_is_told_in_the_conditional(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing was sent: who would leave is still there, and the rows add up."""
    mirror: dict[str, Any] = {"mode": "replace", "why": "it is new", "begun": False, "approved_by": None}
    mirror |= {"joined": 30, "changed": 0, "sent_again": 0, "left": 20, "held": 0}
    mirror |= {"size": 2_010, "size_before": 2_000, "guard": "leaving"}
    rows = {"in": 2_010, "acknowledged": 0, "unchanged": 0, "rejected_by_us": 0, "rejected_by_platform": 0}
    print_receipt(receipt(state="blocked", mirror=mirror, rows=rows))
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for part in ("+ not sent 2,010", "would leave 20", "rows it would have 2,010 2,000 now"):
        assert part in shown


def test_a_long_key_is_one_line_and_members_have_separators(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key can be copied also from a narrow terminal."""
    monkeypatch.setenv("COLUMNS", "80")
    key = f"meta/VIP/raw/{'x' * 120}.csv"
    print_receipt(receipt(drop={"key": key}, platform_notes={"matched_members": "12345"}))
    out = capsys.readouterr().out
    assert f"drop {key}\n" in out
    assert "12,345" in out


def test_a_receipt_says_who_has_asked_what(capsys: pytest.CaptureFixture[str]) -> None:
    """An undo is named with who asked for it, and when."""
    print_receipt(
        receipt(orders=[{"kind": "undo", "by": "arn:aws:iam::1:user/ann", "at": "2026-11-30T22:40:01.5Z"}])
    )
    told = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "undo by arn:aws:iam::1:user/ann, 2026-11-30 22:40:01 UTC" in told


def test_rows_that_an_undo_left_in_are_shown_where_there_are_any(capsys: pytest.CaptureFixture[str]) -> None:
    """As a part of those rejected by us, so that the sums add up as in the receipt itself."""
    rows = {"in": 4, "read": 4, "acknowledged": 1, "rejected_by_us": 3, "left_in": 2, "rejected_by_platform": 0}
    print_receipt(receipt(rows=rows))
    lines = [" ".join(line.replace("│", " ").split()) for line in capsys.readouterr().out.splitlines()]
    assert "+ rejected by us 3" in lines
    assert any(line.startswith("of these left in 2 other runs sent these people too") for line in lines)


def test_the_rows_of_a_stopped_run_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that it never read are in the sum, as on the page."""
    rows = {"in": None, "read": 500, "acknowledged": 500, "rejected_by_us": 0, "rejected_by_platform": 0}
    reason = {"code": "stopped", "sentence": "stopped by arn:x"}
    print_receipt(receipt(state="failed", reason=reason, rows=rows, rows_held=1_000))
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "rows in 1,000" in shown
    assert "= acknowledged 500" in shown
    assert "+ not sent 500" in shown
