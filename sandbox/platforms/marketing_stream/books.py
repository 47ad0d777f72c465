"""The sender's own totals per hour when each record counts once, in exact numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Key = tuple[tuple[str, str | None], ...]


class Books:
    """Totals by dataset, dimensions and hour; the newest version of each entity; notices by their text."""

    def __init__(self) -> None:
        self.totals: dict[str, dict[Key, dict[str, Decimal]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(Decimal))
        )
        self.versions: dict[str, dict[str, int]] = defaultdict(dict)
        self.notices: dict[str, set[str]] = defaultdict(set)

    def add(self, dataset: str, about: Mapping[str, Any], numbers: Mapping[str, Decimal]) -> None:
        """Add a record that is sent for the first time."""
        totals = self.totals[dataset][key_of(about)]
        for name, number in numbers.items():
            totals[name] += number

    def change(self, dataset: str, entity: str, version: int) -> None:
        """Add a version, in whatever order versions are sent."""
        known = self.versions[dataset]
        known[entity] = max(version, known.get(entity, version))


def key_of(about: Mapping[str, Any]) -> Key:
    """Return dimensions as a key, without the dataset."""
    return tuple(
        sorted(
            (name, None if value is None else str(value)) for name, value in about.items() if name != "dataset_id"
        )
    )
