"""Google Customer Match: the fields are known, and nothing can be sent yet."""

from __future__ import annotations

from activation.identifiers.table import FieldTable
from activation.platforms.platform import FieldsOnly
from activation.row_rule import ConsentSignal

# `consent` of a request; UNSPECIFIED is CONSENT_STATUS_UNSPECIFIED, the others CONSENT_GRANTED and CONSENT_DENIED:
# https://developers.google.com/data-manager/api/reference/rest/v1/Consent, read 2026-11-30
_STATUSES = ("GRANTED", "DENIED", "UNSPECIFIED")


def _load() -> FieldTable:
    from lambdas.google.fields import TABLE

    return TABLE


PLATFORM = FieldsOnly(
    name="google",
    title="Google Customer Match",
    load=_load,
    consent_signals=(
        ConsentSignal("ad_user_data", _STATUSES, "Whether the people let their data be sent to Google for ads."),
        ConsentSignal("ad_personalization", _STATUSES, "Whether the people let ads be personalised for them."),
    ),
)
