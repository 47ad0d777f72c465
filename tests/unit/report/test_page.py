"""A run's page: what it says, and what it can never hold or load."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from activation.codes import explain, plain
from activation.model import UNREADABLE
from activation.report.drawing import WIDTH, Share, bar
from activation.report.html import Html, element
from activation.report.page import details, document, summary
from activation.report.places import SHOWN, places_in
from activation.report.verdict import verdict

MISLEADING = "<script>alert(1)</script> \"VIP\" & 'x'\x1b[2J"


def receipt_of(**more: object) -> dict[str, Any]:
    """Return a receipt with rows of every outcome."""
    return {
        "run_id": "a1b2",
        "state": "applied",
        "final": True,
        "reason": None,
        "warnings": [],
        "connector": "meta",
        "platform": "meta",
        "account": "act_1",
        "audience": {"name": MISLEADING, "id": "1", "created": True},
        "action": "add",
        "drop": {"key": f"meta/{MISLEADING}/raw/x.csv"},
        "rows": {"in": 1_000, "read": 1_000, "acknowledged": 990, "rejected_by_us": 7, "rejected_by_platform": 3},
        "rejected_by_us": {"not_an_email": 7},
        "rejected_by_platform": {"invalid_member": 3},
        "rejects_key": "receipts/meta/VIP/a1b2.rejects.csv",
        "cells_left_out": {"PHONE": {"phone_length": {"cells": 4, "first_rows": [3, 9]}}},
        "requests": 2,
        "resent": 0,
        "started_at": "2026-11-29T10:00:00.000+00:00",
        "written_at": "2026-11-29T10:01:00.000+00:00",
        **more,
    }


class Outline(HTMLParser):
    """Reads a page; raises for an element that is closed by another."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, dict(attrs)))
        if tag not in ("br", "input", "link", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.text += data


def outline(page: str) -> Outline:
    """Return what a page has; every element is closed."""
    found = Outline()
    found.feed(page)
    found.close()
    assert found.open == []
    return found


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    """No script, no handler, no address, no style but its own, whose digest is in the content policy."""
    page = document(receipt_of(), {})
    found = outline(page)
    assert not {tag for tag, _ in found.tags} & {"script", "link", "img", "iframe", "a", "form", "object"}
    assert not [
        name for _, attributes in found.tags for name in attributes if name.startswith("on") or name == "style"
    ]
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = next(one["content"] for _, one in found.tags if one.get("http-equiv"))
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'"
    assert "url(" not in style[1]


def test_a_name_is_text_and_no_markup() -> None:
    """An audience may have any name; on the page it is read and not executed, and no control character is left."""
    page = document(receipt_of(), {})
    assert "<script" not in page
    assert "\x1b" not in page
    assert MISLEADING.replace("\x1b", "\\x1b") in outline(page).text


def test_the_sums_are_on_the_page_in_words_and_as_a_picture() -> None:
    """The sentence is the picture's name, too, for who cannot see it."""
    words = "1,000 rows in = 990 acknowledged + 7 rejected by us + 3 rejected by the platform"
    found = outline(details(receipt_of(), {}))
    assert words in found.text
    assert [one["aria-label"] for tag, one in found.tags if tag == "svg"] == [words]


def test_each_code_has_its_sentence_and_its_positions() -> None:
    """What it means and what to do about it; places say row and column."""
    found = outline(details(receipt_of(), {"not_an_email": ["row 7, email", "row 9, email"]}))
    for code in ("not_an_email", "phone_length"):
        assert plain(explain(code).happened).replace("`", "") in found.text
    assert "row 7, email; row 9, email ..." in found.text
    assert "row 3, row 9" in found.text
    assert "a1b2.rejects.csv" in found.text


def test_a_drop_without_an_audience_is_called_by_its_key() -> None:
    """What could not be read as a key is what its owner looks for."""
    rows = {"in": None, "read": 0, "acknowledged": 0, "rejected_by_us": 0, "rejected_by_platform": 0}
    unreadable = receipt_of(
        audience={"name": UNREADABLE, "id": None, "created": None},
        drop={"key": "meta/x.csv"},
        state="failed",
        reason={"code": "wrong_depth", "sentence": "The key has too few parts."},
        rows=rows,
        rejected_by_us={},
        rejected_by_platform={},
        rejects_key=None,
        cells_left_out={},
        account="",
    )
    page = document(unreadable, {})
    assert "<h1>meta/x.csv</h1>" in page
    assert "The key has too few parts." in outline(page).text
    assert "ad account" not in page


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {},
            "The run is complete. Of 1,000 rows read, 990 were added to the audience; 7 could not be used, 3 were",
        ),
        ({"action": "remove"}, "990 were removed from the audience"),
        ({"in_doubt": 0}, "990 were added to the dataset"),
        ({"state": "failed"}, "The run failed. It will not resume on its own. Of 1,000 rows read, 990"),
        (
            {"rows": {"in": 10, "read": 4, "acknowledged": 4, "rejected_by_us": 0, "rejected_by_platform": 0}},
            "Of 10 rows read, 4 were added to the audience; 6 were not sent.",
        ),
        (
            {"rows": {"in": None, "read": 4, "acknowledged": 4, "rejected_by_us": 0, "rejected_by_platform": 0}},
            "Of 4 rows read so far, 4 were added to the audience.",
        ),
        ({"state": "never heard of"}, "The run is never heard of."),
        (
            {
                "action": "remove",
                "rows": {
                    "in": 10,
                    "read": 10,
                    "acknowledged": 6,
                    "rejected_by_us": 4,
                    "left_in": 3,
                    "rejected_by_platform": 0,
                },
            },
            "3 were left in it, as other runs sent them too or may have; 1 could not be used.",
        ),
    ],
)
def test_the_verdict_says_how_many_and_why_fewer(more: dict[str, Any], said: str) -> None:
    """In words, for every state, also of another release."""
    assert said in verdict(receipt_of(**more))


def test_reasons_and_warnings_are_said_with_their_codes() -> None:
    """The state in a word, why, and what looks wrong."""
    reason = {"code": "token_rejected", "sentence": "The token <was> rejected."}
    warning = {"code": "audience_small", "sentence": "Few people."}
    text = outline(summary(receipt_of(state="blocked", reason=reason, warnings=[warning]))).text
    for said in ("blocked", "token_rejected The token <was> rejected.", "audience_small Few people."):
        assert said in text


def test_a_mirror_says_who_came_and_left() -> None:
    """Also who approved that so many leave."""
    mirror = {
        "begun": True, "joined": 5, "changed": 0, "left": 2, "held": 0, "size": 900, "size_before": 897,
        "approved_by": "arn:aws:iam::1:user/ann",
    }  # fmt: skip
    text = outline(details(receipt_of(mirror=mirror), {})).text
    assert "5 rows new in the audience" in text
    assert "900 rows in the audience, before it 897" in text
    assert "approved byarn:aws:iam::1:user/ann" in text


def test_positions_come_from_the_beginning_of_the_list() -> None:
    """A few of each code, without the line that was cut off; a row that nobody named has none."""
    lines = [f"{row},email,not_an_email" for row in range(1, 30)] + [",,refused_row_not_named", "31,,dup", "32,em"]
    found = places_in("\n".join(["row,column,code", *lines]).encode())
    assert found["not_an_email"] == [f"row {row}, email" for row in range(1, SHOWN + 1)]
    assert found["refused_row_not_named"] == []
    assert found["dup"] == ["row 31"]
    assert len(found) == 3


def test_positions_in_a_folder_name_the_file() -> None:
    """The row is the file's own."""
    found = places_in(b"row,column,code,file,row_in_file\n12,email,not_an_email,part-2.csv,2\n")
    assert found == {"not_an_email": ["part-2.csv row 2, email"]}


@pytest.mark.parametrize("counts", [(999_999, 1), (1, 1, 1), (0, 5), (0, 0), (1, 10**9, 1)])
def test_a_bar_is_as_long_as_its_sum_and_shows_the_smallest(counts: tuple[int, ...]) -> None:
    """Whatever the proportions, the widths add up, and one row of a million is visible."""
    drawn = bar([Share(f"s{at}", "x", count) for at, count in enumerate(counts)], sum(counts), "d")
    _, *widths = [int(one) for one in re.findall(r'<rect [^>]*width="(\d+)"', drawn)]
    assert len(widths) == sum(1 for one in counts if one)
    assert sum(widths) == (WIDTH if widths else 0)
    assert all(one >= 4 for one in widths)


def test_only_markup_is_inserted_as_it_is() -> None:
    """A text that looks like markup is escaped, in an attribute, too."""
    assert element("p", "<b>", Html("<i></i>"), title='"<') == '<p title="&quot;&lt;">&lt;b&gt;<i></i></p>'


def test_a_page_shows_what_the_platform_says() -> None:
    """As the command does: numbers of members with separators, any other text as it is, and nothing as markup."""
    notes = {"matched_members": "12345", "size": MISLEADING}
    found = str(details(receipt_of(platform_notes=notes), {}))
    assert "<code>matched_members</code></dt><dd>12,345" in found
    assert "<script>" not in found
    assert "What the platform says" not in str(details(receipt_of(), {}))


def test_the_verdict_of_a_mirror_says_who_joined_and_who_left() -> None:
    """A replace sends again who stays, which adds nobody."""
    mirror = {"joined": 0, "changed": 0, "sent_again": 0, "unchanged": 199, "left": 900, "too_few_left": False}
    rows = {"in": 299, "read": 299, "acknowledged": 199, "rejected_by_us": 100, "rejected_by_platform": 0}
    said = verdict(receipt_of(action="mirror", rows=rows, mirror=mirror))
    assert (
        "Of 299 rows read, 0 joined the audience, 199 were in it already, and 900 rows of before left it" in said
    )
    assert said.endswith("; 100 could not be used.")
    kept = verdict(receipt_of(action="mirror", rows=rows, mirror=mirror | {"too_few_left": True}))
    assert "left it" not in kept


def test_who_was_left_in_by_an_undo_is_shown_apart() -> None:
    """The picture's parts still make up all rows, and the code is no rejection."""
    rows = {"in": 10, "read": 10, "acknowledged": 6, "rejected_by_us": 4, "left_in": 3, "rejected_by_platform": 0}
    by_us = {"sent_by_other_runs": 3, "not_an_email": 1}
    found = outline(details(receipt_of(rows=rows, rejected_by_us=by_us, rejected_by_platform={}), {})).text
    assert "10 rows in = 6 acknowledged + 3 left in the audience + 1 rejected by us" in found
    assert "3 left in the audience" in found
    assert "3 rejected" not in found


def test_a_run_that_somebody_stopped_says_so_and_what_was_not_sent() -> None:
    """Its state is `failed` to programs; the rows that it never read are a part of the picture."""
    rows = {"in": None, "read": 6, "acknowledged": 6, "rejected_by_us": 0, "rejected_by_platform": 0}
    reason = {"code": "stopped", "sentence": "stopped by arn:x; `activation run retry r` continues"}
    receipt = receipt_of(
        state="failed", reason=reason, rows=rows, rows_held=10, rejected_by_us={}, rejected_by_platform={}
    )
    page = document(receipt, {})
    found = outline(page).text
    assert "Somebody stopped the run." in found
    assert "Of 6 rows read so far, 6 were added to the audience; 4 were not sent." in found
    assert "10 rows in = 6 acknowledged + 0 rejected by us + 0 rejected by the platform + 4 not sent" in found
    assert "state-stopped" in page
    assert "The run failed" not in found
