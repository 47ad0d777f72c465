"""Pictures of counts as inline SVG: no script, no inline style, the numbers beside them as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from activation.report.html import Html, element

WIDTH, HEIGHT = 1_000, 44  # of the bar's own coordinates; the page scales it
LEAST_WIDTH = 4  # so that one row of a million can still be seen
TREND_WIDTH, TREND_HEIGHT = 240, 48
MARGIN = 3  # for the line's own width


@dataclass(frozen=True)
class Share:
    """A part of a sum: `name` is its CSS class, `label` its words, `count` how many there are."""

    name: str
    label: str
    count: int


def bar(shares: Sequence[Share], whole: int, description: str) -> Html:
    """Return a bar that is as long as `whole`, cut into shares; what no share covers stays empty.

    `description` is what a screen reader says instead of it.
    """
    counted = [one for one in shares if one.count > 0]
    free = max(0, whole - sum(one.count for one in counted))
    widths = _widths([*(one.count for one in counted), free])
    pieces, left = [], 0
    for one, width in zip(counted, widths, strict=False):
        title = element("title", f"{one.label}: {one.count:,}")
        shape = element("rect", x=left, y=0, width=width, height=HEIGHT, class_=f"share-{one.name}")
        pieces.append(element("g", title, shape))
        left += width
    back = element("rect", x=0, y=0, width=WIDTH, height=HEIGHT, class_="share-none")
    return element(
        "svg",
        back,
        *pieces,
        class_="sums",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=description,
    )


def _widths(counts: Sequence[int]) -> list[int]:
    """Return widths in proportion to counts that add up to the bar's, none of a count above 0 too small to see."""
    total = sum(counts)
    if not total:
        return [0 for _ in counts]
    widths = [max(LEAST_WIDTH, round(WIDTH * count / total)) if count else 0 for count in counts]
    widths[max(range(len(widths)), key=widths.__getitem__)] += WIDTH - sum(widths)
    return widths


def trend(values: Sequence[int], description: str) -> Html:
    """Return a line through values in their order, the newest marked by a dot; the axis begins at 0."""
    highest = max(*values, 1) if values else 1
    step = (TREND_WIDTH - 2 * MARGIN) / max(1, len(values) - 1)
    points = [
        (round(MARGIN + at * step, 1), round(MARGIN + (TREND_HEIGHT - 2 * MARGIN) * (1 - value / highest), 1))
        for at, value in enumerate(values)
    ]
    line = element("polyline", points=" ".join(f"{x},{y}" for x, y in points), fill="none")
    dot = element("circle", cx=str(points[-1][0]), cy=str(points[-1][1]), r=MARGIN) if points else None
    return element(
        "svg",
        line,
        dot,
        class_="trend",
        viewBox=f"0 0 {TREND_WIDTH} {TREND_HEIGHT}",
        role="img",
        aria_label=description,
    )
