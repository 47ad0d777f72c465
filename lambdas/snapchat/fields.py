"""Snapchat's identifiers of a customer list; always hashed."""

from __future__ import annotations

from activation.identifiers import headers
from activation.identifiers.devices import TOKEN, Device
from activation.identifiers.emails import Email
from activation.identifiers.phones import Bare, Phone
from activation.identifiers.table import Digest, Field, FieldTable, Rule

SOURCE = "https://developers.snap.com/api/marketing-api/Ads-API/customer-lists"
READ = "2026-11-22"


def _field(key: str, rule: Rule, synonyms: tuple[str, ...]) -> Field:
    return Field(key, rule, Digest.SHA256_HEX, SOURCE, READ, synonyms=synonyms, identifies=True)


TABLE = FieldTable(
    platform="snapchat",
    fields=(
        _field("EMAIL_SHA256", Email("trimmed, lower case"), headers.EMAIL),
        _field(
            "PHONE_SHA256",
            Phone(
                "digits with country code, no plus, no leading zeros",
                plus=False,
                bare=Bare.AS_IS,
                any_length=True,
            ),
            headers.PHONE,
        ),
        _field(
            "MOBILE_AD_ID_SHA256",
            Device("trimmed, lower case, hyphens kept", shape=TOKEN),
            (*headers.DEVICE, *headers.IDFA, *headers.GAID),
        ),
    ),
    singles=(
        ("EMAIL_SHA256", "EMAIL_SHA256"),
        ("PHONE_SHA256", "PHONE_SHA256"),
        ("MOBILE_AD_ID_SHA256", "MOBILE_AD_ID_SHA256"),
        ("MAID_SHA256", "MOBILE_AD_ID_SHA256"),
    ),
)
