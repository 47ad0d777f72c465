"""Meta's fields of a custom audience: how each value is normalised and whether it is hashed."""

from __future__ import annotations

from activation.identifiers import births
from activation.identifiers.countries import country
from activation.identifiers.devices import HYPHENATED, Device
from activation.identifiers.emails import Email
from activation.identifiers.genders import GENDER
from activation.identifiers.headers import DEVICES, Meaning
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


def _hashed(key: str, rule: Rule, *means: Meaning, identifies: bool = False, further: int = 0) -> Field:
    return Field(key, rule, Digest.SHA256_HEX, GUIDE, READ, means=means, identifies=identifies, further=further)


# Meta's own list template has three columns each of e-mail and phone (quoted at
# https://github.com/facebook/facebook-python-business-sdk/issues/278); a row of the API has room for one, so the
# others go in rows of their own with the same person's name and place.
FURTHER = 2


def _needs_more(key: str, rule: Rule, source: str) -> Field:
    """Describe a key that a column alone cannot fill: its request also names an app, a page or a legal regime."""
    return Field(key, rule, Digest.PLAIN, source, READ, from_column=False)


# A name alone is many people. What Meta calls too broad to match includes a first or a last name with a gender
# (https://developers.facebook.com/documentation/ads-commerce/conversions-api/best-practices, read 2026-09-12), and
# names with a country are as broad; with where a person lives, or the day of birth, both names are somebody.
NAMING = tuple(frozenset(("FN", "LN", *more)) for more in (("ZIP",), ("CT",), ("DOBY", "DOBM", "DOBD")))

TABLE = FieldTable(
    platform="meta",
    fields=(
        _hashed("EMAIL", EMAIL, Meaning.EMAIL, identifies=True, further=FURTHER),
        _hashed("PHONE", PHONE, Meaning.PHONE, identifies=True, further=FURTHER),
        Field(
            "MADID",
            DEVICE,
            Digest.PLAIN,
            GUIDE,
            READ,
            means=DEVICES,
            identifies=True,
        ),
        Field(
            "EXTERN_ID",
            Unchanged("unchanged: the same text on every channel"),
            Digest.PLAIN,
            GUIDE,
            READ,
            means=(Meaning.CUSTOMER_ID,),
            identifies=True,
            # A blank cell makes the row invalid ("empty external ID"), unlike blank cells of hashed keys.
            blank_with_others=False,
        ),
        _hashed("FN", NAME, Meaning.FIRST_NAME),
        _hashed("LN", NAME, Meaning.LAST_NAME),
        _hashed("FI", INITIAL, Meaning.FIRST_INITIAL),
        _hashed("GEN", GENDER, Meaning.GENDER),
        _hashed("DOBY", births.YEAR, Meaning.BIRTH_YEAR, Meaning.BIRTH_DATE),
        _hashed("DOBM", births.MONTH, Meaning.BIRTH_MONTH, Meaning.BIRTH_DATE),
        _hashed("DOBD", births.DAY, Meaning.BIRTH_DAY, Meaning.BIRTH_DATE),
        _hashed("CT", CITY, Meaning.CITY),
        _hashed("ST", STATE, Meaning.STATE),
        _hashed("ZIP", ZIP, Meaning.POSTAL_CODE),
        _hashed("COUNTRY", COUNTRY, Meaning.COUNTRY),
        Field("LOOKALIKE_VALUE", AMOUNT, Digest.PLAIN, USERS, READ, means=(Meaning.VALUE,)),
        _needs_more("PAGEUID", token("a page-scoped user id, digits", r"\d{1,20}"), GUIDE),
        _needs_more("APPUID", token("an app-scoped user id, digits", r"\d{1,20}"), GUIDE),
        _needs_more("UID", token("a user id, digits", r"\d{1,20}"), GUIDE),
        _needs_more("DATA_PROCESSING_OPTIONS", choice("LDU, or blank", "LDU"), GUIDE),
        _needs_more("DATA_PROCESSING_OPTIONS_COUNTRY", choice("1 (United States) or 0", "0", "1"), GUIDE),
        _needs_more("DATA_PROCESSING_OPTIONS_STATE", choice("1000 (California) or 0", "0", "1000"), GUIDE),
    ),
    singles=(
        ("EMAIL_SHA256", "EMAIL"),
        ("PHONE_SHA256", "PHONE"),
        ("MADID", "MADID"),
        ("MAID", "MADID"),
        ("MOBILE_ADVERTISER_ID", "MADID"),
        ("EXTERN_ID", "EXTERN_ID"),
        ("EXTERNAL_ID", "EXTERN_ID"),
    ),
    naming=NAMING,
)
