"""Snapchat's identifiers of a customer list; always hashed."""

from __future__ import annotations

from activation.identifiers.devices import TOKEN, Device
from activation.identifiers.emails import Email
from activation.identifiers.headers import DEVICES, Meaning
from activation.identifiers.phones import Bare, Phone
from activation.identifiers.table import Digest, Field, FieldTable, Rule

SOURCE = "https://developers.snap.com/api/marketing-api/Ads-API/customer-lists"
READ = "2026-11-22"


# Identifiers travel one a line, and nothing joins those of one person; three are as many as elsewhere.
FURTHER = 2


def _field(key: str, rule: Rule, *means: Meaning) -> Field:
    return Field(key, rule, Digest.SHA256_HEX, SOURCE, READ, means=means, identifies=True, further=FURTHER)


TABLE = FieldTable(
    platform="snapchat",
    fields=(
        _field("EMAIL_SHA256", Email("trimmed, lower case"), Meaning.EMAIL),
        _field(
            "PHONE_SHA256",
            Phone(
                "digits with country code, no plus, no leading zeros",
                plus=False,
                bare=Bare.AS_IS,
                any_length=True,
            ),
            Meaning.PHONE,
        ),
        _field(
            "MOBILE_AD_ID_SHA256",
            Device("trimmed, lower case, hyphens kept", shape=TOKEN),
            *DEVICES,
        ),
    ),
    singles=(
        ("EMAIL_SHA256", "EMAIL_SHA256"),
        ("PHONE_SHA256", "PHONE_SHA256"),
        ("MOBILE_AD_ID_SHA256", "MOBILE_AD_ID_SHA256"),
        ("MAID_SHA256", "MOBILE_AD_ID_SHA256"),
    ),
)
