"""Large files, and the parts that they are shared out in."""

from __future__ import annotations

from collections.abc import Callable

from tests.unit.line.world import World

Make = Callable[..., World]
ABOVE_BYTES = 200
BAD = ["not an address", "", "n/a"]


def mixed(good: list[str]) -> tuple[str, list[str]]:
    """Write a CSV with line ends in cells, a row that is no address behind every other one, and short rows."""
    rows = [row for at, one in enumerate(good) for row in ([one, BAD[at % 3]] if at % 2 else [one])]
    notes = ("" if row in good[::3] else ',"a\nb"' for row in rows)
    return "email,note\n" + "".join(f'"{row}"{note}\n' for row, note in zip(rows, notes, strict=True)), rows


def parts_of(world: World) -> list[str]:
    """Name the records of parts that a world's ledger holds."""
    return sorted(key for key in world.aws.dynamodb.items if key.startswith(f"{world.name}#part#"))
