"""Snapchat customer lists: the fields are known, and nothing can be sent yet."""

from __future__ import annotations

from activation.identifiers.table import FieldTable
from activation.platforms.platform import FieldsOnly


def _load() -> FieldTable:
    from lambdas.snapchat.fields import TABLE

    return TABLE


PLATFORM = FieldsOnly(
    name="snapchat",
    title="Snapchat customer lists",
    load=_load,
)
