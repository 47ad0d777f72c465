"""Amazon Ads audiences: the fields are known, and nothing can be sent yet."""

from __future__ import annotations

from activation.identifiers.table import FieldTable
from activation.platforms.platform import FieldsOnly
from activation.row_rule import ConsentSignal

# Values of the Amazon Consent Signal fields `amznAdStorage` and `amznUserData`. Amazon's page requires a login, so
# they were taken from https://docs.tealium.com/client-side-tags/amazon-consent-signal-tag, read 2026-11-30.
_STATUSES = ("GRANTED", "DENIED")


def _load() -> FieldTable:
    from lambdas.amazon_ads.fields import TABLE

    return TABLE


PLATFORM = FieldsOnly(
    name="amazon_ads",
    title="Amazon Ads audiences",
    load=_load,
    consent_signals=(
        ConsentSignal("amzn_ad_storage", _STATUSES, "Whether the people let Amazon store what it uses for ads."),
        ConsentSignal("amzn_user_data", _STATUSES, "Whether the people let Amazon use their data for ads."),
    ),
)
