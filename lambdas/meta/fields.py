"""Meta's fields of a custom audience: how each value is normalised and whether it is hashed."""

from __future__ import annotations

from activation.identifiers import births, headers
from activation.identifiers.countries import country
from activation.identifiers.devices import HYPHENATED, Device
from activation.identifiers.emails import Email
from activation.identifiers.genders import GENDER
from activation.identifiers.names import Letters, roman_letters
from activation.identifiers.phones import Bare, Phone
from activation.identifiers.places import state
from activation.identifiers.plain import AMOUNT, Unchanged, choice, token
from activation.identifiers.postal_codes import postal_code
from activation.identifiers.table import Digest, Field, FieldTable, Rule

GUIDE = (
    "https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences"
)
USERS = "https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/users"
READ = "2026-09-12"

EMAIL = Email("trimmed, lower case, an ASCII address; dots and +tags stay", ascii_only=True)
# The guide accepts a number without a country code if COUNTRY is sent beside it. So such a number is only refused
# if a default country is configured and the number is not valid there.
PHONE = Phone("digits with country code, no plus, no leading zeros", plus=False, bare=Bare.AS_IS)
NAME = Letters("lower case, without white space and punctuation; accents and other scripts stay")
INITIAL = Letters("the first letter of the first name, lower case", first=1)
# The guide wants a to z only, the Conversions API's page accepts UTF-8, Meta's own library drops accented letters.
# The Latin letter under the accent is what people write without it.
CITY = roman_letters("a to z only: lower case, accents off, without white space, digits and punctuation")
STATE = state("two-letter code in the United States and Canada, elsewhere the name; a to z, lower case")
# For ZIP+4 the guide wants the first five digits; the Conversions API's page removes dashes. Other codes are not
# cut.
ZIP = postal_code("lower case without white space and dashes; of a ZIP+4 the first five digits")
# 中国 is refused by Meta's own tests (facebook/capi-param-builder, CountryUtilsTest).
COUNTRY = country("ISO 3166-1 alpha-2, lower case, from codes, alpha-3 codes and names", refused=("中国",))
DEVICE = Device("lower case, hyphens kept, in plaintext", shape=HYPHENATED)


def _hashed(key: str, rule: Rule, synonyms: tuple[str, ...], *, identifies: bool = False) -> Field:
    return Field(key, rule, Digest.SHA256_HEX, GUIDE, READ, synonyms=synonyms, identifies=identifies)


def _needs_more(key: str, rule: Rule, source: str) -> Field:
    """Describe a key that a column alone cannot fill: its request also names an app, a page or a legal regime."""
    return Field(key, rule, Digest.PLAIN, source, READ, from_column=False)


TABLE = FieldTable(
    platform="meta",
    fields=(
        _hashed("EMAIL", EMAIL, headers.EMAIL, identifies=True),
        _hashed("PHONE", PHONE, headers.PHONE, identifies=True),
        Field(
            "MADID",
            DEVICE,
            Digest.PLAIN,
            GUIDE,
            READ,
            synonyms=(*headers.DEVICE, *headers.IDFA, *headers.GAID),
            identifies=True,
        ),
        Field(
            "EXTERN_ID",
            Unchanged("unchanged: the same text on every channel"),
            Digest.PLAIN,
            GUIDE,
            READ,
            synonyms=headers.CUSTOMER,
            identifies=True,
            # A blank cell makes the row invalid ("empty external ID"), unlike blank cells of hashed keys.
            blank_with_others=False,
        ),
        _hashed("FN", NAME, headers.FIRST_NAME, identifies=True),
        _hashed("LN", NAME, headers.LAST_NAME, identifies=True),
        _hashed("FI", INITIAL, headers.FIRST_INITIAL),
        _hashed("GEN", GENDER, headers.GENDER),
        _hashed("DOBY", births.YEAR, (*headers.BIRTH_YEAR, *headers.WHOLE_BIRTH_DATE)),
        _hashed("DOBM", births.MONTH, (*headers.BIRTH_MONTH, *headers.WHOLE_BIRTH_DATE)),
        _hashed("DOBD", births.DAY, (*headers.BIRTH_DAY, *headers.WHOLE_BIRTH_DATE)),
        _hashed("CT", CITY, headers.CITY),
        _hashed("ST", STATE, headers.STATE),
        _hashed("ZIP", ZIP, headers.POSTAL_CODE),
        _hashed("COUNTRY", COUNTRY, headers.COUNTRY),
        Field("LOOKALIKE_VALUE", AMOUNT, Digest.PLAIN, USERS, READ),
        _needs_more("PAGEUID", token("a page-scoped user id, digits", r"\d{1,20}"), GUIDE),
        _needs_more("APPUID", token("an app-scoped user id, digits", r"\d{1,20}"), GUIDE),
        _needs_more("UID", token("a user id, digits", r"\d{1,20}"), GUIDE),
        _needs_more("DATA_PROCESSING_OPTIONS", choice("LDU, or blank", "LDU"), GUIDE),
        _needs_more("DATA_PROCESSING_OPTIONS_COUNTRY", choice("1 (United States) or 0", "0", "1"), GUIDE),
        _needs_more("DATA_PROCESSING_OPTIONS_STATE", choice("1000 (California) or 0", "0", "1000"), GUIDE),
    ),
    singles=(
        ("EMAIL", "EMAIL"),
        ("EMAIL_SHA256", "EMAIL"),
        ("PHONE", "PHONE"),
        ("PHONE_SHA256", "PHONE"),
        ("MADID", "MADID"),
        ("MAID", "MADID"),
        ("MOBILE_ADVERTISER_ID", "MADID"),
        ("EXTERN_ID", "EXTERN_ID"),
        ("EXTERNAL_ID", "EXTERN_ID"),
    ),
)
