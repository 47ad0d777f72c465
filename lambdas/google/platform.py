"""Google Customer Match: the fields are known, and nothing can be sent yet."""

from __future__ import annotations

from activation.identifiers.table import FieldTable
from activation.platforms.platform import FieldsOnly


def _load() -> FieldTable:
    from lambdas.google.fields import TABLE

    return TABLE


PLATFORM = FieldsOnly(
    name="google",
    title="Google Customer Match",
    load=_load,
)
