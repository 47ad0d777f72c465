"""TikTok's identifiers: the `calculate_type`s of the audience file API."""

from __future__ import annotations

from activation.identifiers.devices import Device
from activation.identifiers.emails import Email
from activation.identifiers.headers import Meaning
from activation.identifiers.phones import Bare, Phone
from activation.identifiers.table import Digest, Field, FieldTable, Rule

FORMATS = "https://ads.tiktok.com/help/preview?content_id=5gcDeV2ckkwNVh1BedxvSJ"
UPLOAD = "https://business-api.tiktok.com/portal/docs?id=1739940567842818"
READ = "2026-11-22"

# The rule since September 2025. Until then TikTok's page also removed dots and +tags.
_EMAIL = Email("all white space removed, lower case; dots and +tags stay", drop_spaces=True)
_PHONE = Phone(
    "+ and the E.164 digits; a country code is required",
    plus=True,
    bare=Bare.REFUSE,
    min_digits=8,
    any_length=True,  # the page's own example, +551155256, is shorter than any number in Brazil
)
_DEVICE = Device("trimmed, lower case, hyphens kept")


# A file names each type up to three times, so three addresses and phones of a person count
# (FORMATS); lines of their own are the same to TikTok, which matches identifiers and not rows.
MORE, MORE_MEANINGS = 2, frozenset((Meaning.EMAIL, Meaning.PHONE))


def _field(
    key: str, rule: Rule, digest: Digest, *means: Meaning, synonyms: tuple[str, ...] = (), source: str = FORMATS
) -> Field:
    further = MORE if MORE_MEANINGS.intersection(means) else 0
    return Field(key, rule, digest, source, READ, means=means, synonyms=synonyms, identifies=True, further=further)


TABLE = FieldTable(
    platform="tiktok",
    fields=(
        _field("EMAIL_SHA256", _EMAIL, Digest.SHA256_HEX, Meaning.EMAIL),
        _field("PHONE_SHA256", _PHONE, Digest.SHA256_HEX, Meaning.PHONE),
        _field("IDFA_SHA256", _DEVICE, Digest.SHA256_HEX, Meaning.IDFA),
        _field("GAID_SHA256", _DEVICE, Digest.SHA256_HEX, Meaning.GAID),
        # FIRST is TikTok's word for either kind of device id; uploads also accept MAID, creation does not.
        _field(
            "FIRST_SHA256", _DEVICE, Digest.SHA256_HEX, Meaning.DEVICE, synonyms=("MAID_SHA256",), source=UPLOAD
        ),
        _field("IDFA_MD5", _DEVICE, Digest.MD5_HEX),
        _field("GAID_MD5", _DEVICE, Digest.MD5_HEX),
        _field("FIRST_MD5", _DEVICE, Digest.MD5_HEX, synonyms=("MAID_MD5",), source=UPLOAD),
    ),
    singles=(
        ("EMAIL_SHA256", "EMAIL_SHA256"),
        ("PHONE_SHA256", "PHONE_SHA256"),
        ("IDFA_SHA256", "IDFA_SHA256"),
        ("GAID_SHA256", "GAID_SHA256"),
        ("FIRST_SHA256", "FIRST_SHA256"),
        ("MAID_SHA256", "FIRST_SHA256"),
        ("IDFA_MD5", "IDFA_MD5"),
        ("GAID_MD5", "GAID_MD5"),
        ("FIRST_MD5", "FIRST_MD5"),
        ("MAID_MD5", "FIRST_MD5"),
    ),
)
