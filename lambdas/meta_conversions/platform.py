"""Meta Conversions API: the fields are known, and nothing can be sent yet."""

from __future__ import annotations

from activation.identifiers.table import FieldTable
from activation.platforms.platform import FieldsOnly


def _load() -> FieldTable:
    from lambdas.meta_conversions.fields import TABLE

    return TABLE


PLATFORM = FieldsOnly(
    name="meta_conversions",
    title="Meta Conversions API",
    load=_load,
    api=("meta", "capi"),
)
