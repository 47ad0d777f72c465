"""The tables of a run's page: rejected rows and left-out cells by code, and how a mirror changes its audience."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from activation.codes import explain, plain
from activation.drops.row_filters import LEFT_IN
from activation.report.html import Html, element, joined
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
    lines = [
        _line(
            code,
            f"{count:,} left in the audience" if code in LEFT_IN else f"{count:,} rejected by {by}",
            _where(places.get(code, []), count),
        )
        for name, by in kinds
        for code, count in sorted(receipt[name].items(), key=lambda one: (-one[1], one[0]))
    ]
    if not lines:
        return None
    note = None
    if receipt.get("rejects_key"):
        name = str(receipt["rejects_key"]).rsplit("/", 1)[-1]
        note = element(
            "p", "All of them, by row, column and code: ", element("code", name), " beside the receipt."
        )
    return element("section", element("h2", "Rejected rows, by code"), element("ul", *lines, class_="codes"), note)


def left_out(cells: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Html | None:
    """Return the cells that were left out of rows that were sent, by field and code."""
    lines = [
        _line(code, f"{found['cells']:,} cells of {field}", ", ".join(f"row {row}" for row in found["first_rows"]))
        for field, codes in cells.items()
        for code, found in codes.items()
    ]
    if not lines:
        return None
    heading = element("h2", "Cells left out of rows that were sent")
    return element("section", heading, element("ul", *lines, class_="codes"))


def _line(code: str, count: str, where: str) -> Html:
    """Return what is said of one code: its meaning, what to do, how often, and where first."""
    text = explain(code)
    return element(
        "li",
        element("span", element("code", code), " ", prose(f"{text.happened} {text.do}")),
        element("strong", count),
        element("span", where),
    )


def _where(places: list[str], count: int) -> str:
    if not places:
        return "positions in the list of rejects"
    return "; ".join(places) + (" ..." if count > len(places) else "")


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


def prose(markdown: str) -> Html:
    """Return a text of the table of codes as HTML: what stands in backticks is code, links are their documents."""
    return spoken(plain(markdown))


def spoken(sentence: str) -> Html:
    """Return a sentence as HTML, begun and ended as one: what stands in backticks is code."""
    text = sentence.strip()
    whole = f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?', ')')) else '.'}" if text else ""
    return joined(*(element("code", one) if at % 2 else one for at, one in enumerate(whole.split("`"))))
