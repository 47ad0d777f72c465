"""The section `suppressions` of the settings: how much one drop may change the suppression lists."""

from __future__ import annotations

from dataclasses import dataclass

from stacks.context import Reader


@dataclass(frozen=True)
class SuppressionSettings:
    """`most_rows` is how many people one drop may put on a list, or take off it."""

    most_rows: int = 1_000_000


def read_suppressions(reader: Reader) -> SuppressionSettings:
    """Read the section; its mistakes are the reader's."""
    settings = SuppressionSettings(
        most_rows=reader.whole("most_rows", low=1, high=10_000_000, default=SuppressionSettings.most_rows)
    )
    reader.finish()
    return settings
