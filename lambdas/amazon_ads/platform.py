"""Amazon Ads audiences: the fields are known, and nothing can be sent yet."""

from __future__ import annotations

from activation.identifiers.table import FieldTable
from activation.platforms.platform import FieldsOnly


def _load() -> FieldTable:
    from lambdas.amazon_ads.fields import TABLE

    return TABLE


PLATFORM = FieldsOnly(
    name="amazon_ads",
    title="Amazon Ads audiences",
    load=_load,
)
