"""Amazon Ads' identifiers of an Ads Data Manager member: hashed personal data and plain ids."""

from __future__ import annotations

from activation.identifiers.addresses import street_address
from activation.identifiers.devices import Device
from activation.identifiers.emails import Email
from activation.identifiers.headers import DEVICES, Meaning
from activation.identifiers.names import germanic_letters
from activation.identifiers.phones import Bare, Phone
from activation.identifiers.places import two_letter_state
from activation.identifiers.plain import token
from activation.identifiers.postal_codes import shaped_postal_code
from activation.identifiers.table import Digest, Field, FieldTable, Rule

# Amazon's own page (GCCXMZYCK4RXWS6C of its help) requires a login; the rules are those of the normalisers that
# AWS published for it.
SOURCE = "https://github.com/aws-solutions/amazon-marketing-cloud-uploader-from-aws/tree/main/source/glue"
ADDRESSES = "https://github.com/amzn/amazon-ads-advertiser-audience-normalization-sdk-py"
READ = "2026-11-22"


def _hashed(key: str, rule: Rule, meaning: Meaning, *, identifies: bool = False, source: str = SOURCE) -> Field:
    return Field(key, rule, Digest.SHA256_HEX, source, READ, means=(meaning,), identifies=identifies)


_NAME = germanic_letters("lower case, umlauts spelled out, letters a to z and digits only")

TABLE = FieldTable(
    platform="amazon_ads",
    fields=(
        _hashed(
            "em",
            Email(
                "lower case; only a-z 0-9 _ . @ - stay, so a + is removed and its tag stays", word_characters=True
            ),
            Meaning.EMAIL,
            identifies=True,
        ),
        _hashed(
            "ph",
            Phone(
                "digits with country code, no plus; ten North American digits get their 1",
                plus=False,
                bare=Bare.NANP,
            ),
            Meaning.PHONE,
            identifies=True,
        ),
        _hashed("fn", _NAME, Meaning.FIRST_NAME),
        _hashed("ln", _NAME, Meaning.LAST_NAME),
        _hashed(
            "ad",
            street_address("words abbreviated as the postal service does, joined, lower case"),
            Meaning.ADDRESS,
            source=ADDRESSES,
        ),
        _hashed("cty", _NAME, Meaning.CITY),
        _hashed("st", two_letter_state("two letters, lower case"), Meaning.STATE),
        _hashed(
            "zip", shaped_postal_code("of its country's shape, lower case; else left out"), Meaning.POSTAL_CODE
        ),
        Field(
            "maId",
            Device("lower case, hyphens kept, in plaintext"),
            Digest.PLAIN,
            SOURCE,
            READ,
            means=DEVICES,
            identifies=True,
        ),
        # Amazon removes a member by the id it was added with.
        Field(
            "externalUserId",
            token("letters, digits, hyphens and underscores, at most 128", r"[0-9a-zA-Z_-]{1,128}"),
            Digest.PLAIN,
            SOURCE,
            READ,
            means=(Meaning.CUSTOMER_ID,),
        ),
    ),
    singles=(
        ("EMAIL_SHA256", "em"),
        ("PHONE_SHA256", "ph"),
        ("MAID", "maId"),
    ),
)
