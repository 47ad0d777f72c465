"""What a suppression list may name a person by; each platform's own rules make of it what is sent there."""

from __future__ import annotations

from activation.identifiers.devices import TOKEN, Device
from activation.identifiers.emails import Email
from activation.identifiers.headers import Meaning
from activation.identifiers.phones import Bare, Phone
from activation.identifiers.plain import Unchanged
from activation.identifiers.table import Digest, Field, FieldTable, Rule

SOURCE = "docs/suppression.md"
READ = "2026-11-30"
HASHED_FOR = "hashed_"  # and a platform's name: what a key declares digests to be


def _field(key: str, rule: Rule, *means: Meaning, digest: Digest = Digest.SHA256_HEX) -> Field:
    return Field(key, rule, digest, SOURCE, READ, means=means, identifies=True)


# The widest reading of each kind. A cell that it takes and no platform does is rejected all the same.
TABLE = FieldTable(
    platform="suppressions",
    fields=(
        _field("EMAIL", Email("an address", drop_spaces=True), Meaning.EMAIL),
        _field(
            "PHONE",
            Phone("a number, with its country code or without", plus=False, bare=Bare.AS_IS, any_length=True),
            Meaning.PHONE,
        ),
        _field("DEVICE", Device("an advertising id", shape=TOKEN), Meaning.DEVICE),
        _field("IDFA", Device("an advertising id", shape=TOKEN), Meaning.IDFA),
        _field("GAID", Device("an advertising id", shape=TOKEN), Meaning.GAID),
        _field("CUSTOMER_ID", Unchanged(), Meaning.CUSTOMER_ID, digest=Digest.PLAIN),
    ),
)
