"""Group messages for batch calls, which limit both their number and their bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def chunks(
    items: Iterable[Item], *, size_bytes: Callable[[Item], int], max_items: int, max_bytes: int
) -> Iterator[list[Item]]:
    """Yield `items` in groups, in order; an item larger than `max_bytes` is a group of its own."""
    chunk: list[Item] = []
    held_bytes = 0
    for item in items:
        item_bytes = size_bytes(item)
        if chunk and (len(chunk) == max_items or held_bytes + item_bytes > max_bytes):
            yield chunk
            chunk, held_bytes = [], 0
        chunk.append(item)
        held_bytes += item_bytes
    if chunk:
        yield chunk
