"""The tables of a run's page: rejected rows and left-out cells by code, and how a mirror changes its audience."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from activation.codes import find, plain
from activation.report.html import Html, element
from activation.report.places import Places

MIRRORED = {
    "joined": "new in the audience",
    "changed": "with other identifiers than before",
    "left": "not in the drop any more",
    "held": "of people who left, kept because they share every identifier with people who stay",
}


def rejects(receipt: Mapping[str, Any], places: Places) -> Html | None:
    """Return the rejected rows by code, the most first; `places` are the first positions of each code."""
    kinds = (("rejected_by_us", "us"), ("rejected_by_platform", "the platform"))
    found = [
        (code, count, by)
        for name, by in kinds
        for code, count in sorted(receipt[name].items(), key=lambda one: (-one[1], one[0]))
    ]
    if not found:
        return None
    lines = [
        element(
            "tr",
            element("td", element("code", code), " ", meaning(code)),
            element("td", by),
            element("td", count),
            element("td", _where(places.get(code, []), count)),
        )
        for code, count, by in found
    ]
    note = None
    if receipt.get("rejects_key"):
        name = str(receipt["rejects_key"]).rsplit("/", 1)[-1]
        note = element(
            "p", "All of them, by row, column and code: ", element("code", name), " beside this receipt."
        )
    return element(
        "section",
        element("h2", "Rejected rows, by code"),
        _wide("Rejected rows", ("code", "rejected by", "rows", "first positions"), lines),
        note,
    )


def _where(places: list[str], count: int) -> str:
    if not places:
        return "in the list of rejects"
    return "; ".join(places) + (" ..." if count > len(places) else "")


def left_out(cells: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Html | None:
    """Return the cells that were left out of rows that were sent, by field and code."""
    lines = [
        element(
            "tr",
            element("td", field),
            element("td", element("code", code), " ", meaning(code)),
            element("td", int(found["cells"])),
            element("td", ", ".join(f"row {row}" for row in found["first_rows"])),
        )
        for field, codes in cells.items()
        for code, found in codes.items()
    ]
    if not lines:
        return None
    return element(
        "section",
        element("h2", "Cells left out of rows that were sent"),
        _wide("Cells left out", ("field", "code", "cells", "first positions"), lines),
    )


def _wide(label: str, heads: tuple[str, ...], lines: list[Html]) -> Html:
    """Return a table that scrolls by itself on a narrow screen, also by the keyboard."""
    head = element("thead", element("tr", *(element("th", one, scope="col") for one in heads)))
    table = element("table", head, element("tbody", *lines))
    return element("div", table, class_="wide", role="region", aria_label=label, tabindex=0)


def mirrored(mirror: Mapping[str, Any] | None) -> Html | None:
    """Return how a mirror changes its audience, or would change it where nothing was sent."""
    if mirror is None:
        return None
    begun = mirror.get("begun", True)  # a receipt of an earlier release does not say
    items = [f"{mirror[name]:,} rows {words}" for name, words in MIRRORED.items() if mirror[name]]
    if mirror["size"] is not None:
        items.append(f"{mirror['size']:,} rows in the audience, before it {mirror['size_before']:,}")
    return element(
        "section",
        element("h2", "How the audience changes" if begun else "How the audience would change"),
        element("ul", *(element("li", one) for one in items)) if items else element("p", "Not at all."),
    )


def meaning(code: str) -> str:
    """Return what a code means in a sentence, "" where the platform's own code says all there is to say."""
    texts = find(code)
    return plain(texts[0].happened) if texts else ""
