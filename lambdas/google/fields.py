"""Google's identifiers of a Data Manager audience member."""

from __future__ import annotations

from activation.identifiers.countries import country
from activation.identifiers.devices import Device
from activation.identifiers.emails import Email
from activation.identifiers.headers import DEVICES, Meaning
from activation.identifiers.names import SUFFIXES, TITLES, trimmed_name
from activation.identifiers.phones import Bare, Phone
from activation.identifiers.plain import Unchanged
from activation.identifiers.postal_codes import spaced_postal_code
from activation.identifiers.table import Digest, Field, FieldTable, Rule

SOURCE = "https://developers.google.com/data-manager/api/devguides/concepts/formatting"
READ = "2026-11-22"


# An address only counts if it is complete: both names, region and postal code.
ADDRESS = "address"


def _field(
    key: str,
    rule: Rule,
    digest: Digest,
    *means: Meaning,
    identifies: bool = False,
    together: str = "",
) -> Field:
    return Field(key, rule, digest, SOURCE, READ, means=means, identifies=identifies, together=together)


TABLE = FieldTable(
    platform="google",
    fields=(
        _field(
            "emailAddress",
            Email(
                "all white space removed, lower case; at Gmail without dots and +suffix",
                drop_spaces=True,
                gmail=True,
            ),
            Digest.SHA256_HEX,
            Meaning.EMAIL,
            identifies=True,
        ),
        _field(
            "phoneNumber",
            Phone("+ and the E.164 digits", plus=True, bare=Bare.INTERNATIONAL, min_digits=8, any_length=True),
            Digest.SHA256_HEX,
            Meaning.PHONE,
            identifies=True,
        ),
        _field(
            "givenName",
            trimmed_name("trimmed, lower case, without a title such as Mrs.", TITLES),
            Digest.SHA256_HEX,
            Meaning.FIRST_NAME,
            identifies=True,
            together=ADDRESS,
        ),
        _field(
            "familyName",
            trimmed_name("trimmed, lower case, without a suffix such as Jr.", SUFFIXES),
            Digest.SHA256_HEX,
            Meaning.LAST_NAME,
            identifies=True,
            together=ADDRESS,
        ),
        _field(
            "regionCode",
            country("ISO 3166-1 alpha-2, upper case, in plaintext", upper=True),
            Digest.PLAIN,
            Meaning.COUNTRY,
            identifies=True,
            together=ADDRESS,
        ),
        _field(
            "postalCode",
            spaced_postal_code("trimmed, upper case, in plaintext"),
            Digest.PLAIN,
            Meaning.POSTAL_CODE,
            identifies=True,
            together=ADDRESS,
        ),
        _field(
            "mobileId",
            Device("lower case, hyphens kept, in plaintext"),
            Digest.PLAIN,
            *DEVICES,
            identifies=True,
        ),
        _field("userId", Unchanged("unchanged, in plaintext"), Digest.PLAIN, Meaning.CUSTOMER_ID, identifies=True),
    ),
    singles=(
        ("EMAIL_SHA256", "emailAddress"),
        ("PHONE_SHA256", "phoneNumber"),
        ("MAID", "mobileId"),
        ("USER_ID", "userId"),
    ),
)
