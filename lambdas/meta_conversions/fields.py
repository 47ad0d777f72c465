"""The fields of a server event: what describes it, and Meta's customer information parameters, its `user_data`."""

from __future__ import annotations

from activation.identifiers import births
from activation.identifiers.countries import country
from activation.identifiers.devices import HYPHENATED, Device
from activation.identifiers.emails import Email
from activation.identifiers.event_cells import FreeText
from activation.identifiers.genders import GENDER
from activation.identifiers.headers import DEVICES, Meaning
from activation.identifiers.names import Letters, roman_letters
from activation.identifiers.phones import Bare, Phone
from activation.identifiers.places import state
from activation.identifiers.plain import IP_ADDRESS, Unchanged, token
from activation.identifiers.postal_codes import postal_code
from activation.identifiers.table import Digest, Field, FieldTable, Rule

from lambdas.meta_conversions.event_fields import EVENT_FIELDS, RULES

PARAMETERS = (
    "https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/"
    "customer-information-parameters"
)
READ = "2026-09-12"

_NAME = Letters("lower case, without white space and punctuation; accents and other scripts stay")
_ID = r"[!-~]{1,256}"


# "A string or a list of strings": three of a kind are what Meta's own template of a list of people has.
FURTHER = 2


def _hashed(key: str, rule: Rule, *means: Meaning, identifies: bool = False, further: int = 0) -> Field:
    return Field(
        key, rule, Digest.SHA256_HEX, PARAMETERS, READ, means=means, identifies=identifies, further=further
    )


def _clear(
    key: str, rule: Rule, *synonyms: str, means: tuple[Meaning, ...] = (), identifies: bool = True
) -> Field:
    return Field(key, rule, Digest.PLAIN, PARAMETERS, READ, means=means, synonyms=synonyms, identifies=identifies)


def _issued(key: str, what: str, shape: str = _ID, *, identifies: bool = True) -> Field:
    """Describe an id that Meta issued: it is returned unchanged."""
    return _clear(key, token(what, shape), identifies=identifies)


TABLE = FieldTable(
    platform="meta_conversions",
    events=RULES,
    fields=(
        *EVENT_FIELDS,
        _hashed(
            "em",
            Email("trimmed, lower case, an ASCII address; dots and +tags stay", ascii_only=True),
            Meaning.EMAIL,
            identifies=True,
            further=FURTHER,
        ),
        _hashed(
            "ph",
            Phone("digits with country code, no plus, no leading zeros", plus=False, bare=Bare.AS_IS),
            Meaning.PHONE,
            identifies=True,
            further=FURTHER,
        ),
        _hashed("fn", _NAME, Meaning.FIRST_NAME),
        _hashed("ln", _NAME, Meaning.LAST_NAME),
        _hashed("ge", GENDER, Meaning.GENDER),
        # If day and month could be swapped, the page's own example (2/16/1997) decides which comes first.
        _hashed("db", births.whole_date("YYYYMMDD from 1900 to today"), Meaning.BIRTH_DATE),
        _hashed(
            "ct",
            roman_letters("a to z only: lower case, accents off, without white space, digits and punctuation"),
            Meaning.CITY,
        ),
        _hashed(
            "st",
            state("two-letter code in the United States and Canada, elsewhere the name; a to z, lower case"),
            Meaning.STATE,
        ),
        _hashed(
            "zp",
            postal_code("lower case without white space and dashes; of a ZIP+4 the first five digits"),
            Meaning.POSTAL_CODE,
        ),
        _hashed(
            "country",
            # 中国 is refused by Meta's own tests (facebook/capi-param-builder, CountryUtilsTest).
            country("ISO 3166-1 alpha-2, lower case, from codes, alpha-3 codes and names", refused=("中国",)),
            Meaning.COUNTRY,
        ),
        # Not on the page; Meta's SDKs have them (facebook-business 26, serverside/user_data.py).
        _hashed("fi", Letters("the first letter of the first name, lower case", first=1), Meaning.FIRST_INITIAL),
        _hashed("f5first", Letters("the first five letters of the first name, lower case", first=5)),
        _hashed("f5last", Letters("the first five letters of the last name, lower case", first=5)),
        _hashed("doby", births.YEAR, Meaning.BIRTH_YEAR),
        _hashed("dobm", births.MONTH, Meaning.BIRTH_MONTH),
        _hashed("dobd", births.DAY, Meaning.BIRTH_DAY),
        # "Hashing recommended": it is sent unchanged, so that it equals the audience's EXTERN_ID, which is
        # plaintext.
        _clear(
            "external_id", Unchanged("unchanged: the same text on every channel"), means=(Meaning.CUSTOMER_ID,)
        ),
        _clear(
            "madid",
            Device("lower case, hyphens kept, in plaintext", shape=HYPHENATED),
            means=DEVICES,
        ),
        _clear(
            *("client_ip_address", IP_ADDRESS, "ip", "ip_address", "client_ip", "browser_ip", "remote_ip"),
            *("customer_ip", "customer_ip_address"),
        ),
        _clear(
            "client_user_agent",
            FreeText("unchanged: the browser's own text"),
            "user_agent",
            "useragent",
            "browser_user_agent",
            "customer_user_agent",
            identifies=False,
        ),
        _issued("fbc", "Meta's click id, fb.1.<time>.<id>", r"fb\.[0-2]\.\d{1,16}\.[!-~]{1,512}"),
        _issued("fbp", "Meta's browser id, fb.1.<time>.<id>", r"fb\.[0-2]\.\d{1,16}\.[!-~]{1,128}"),
        _issued("subscription_id", "the id of a subscription, as Meta issued it"),
        _issued("fb_login_id", "the id Facebook Login gave the app, digits", r"\d{1,20}"),
        _issued("lead_id", "the id of a lead ad's lead, digits", r"\d{1,20}"),
        _issued("anon_id", "the id of an app installation"),
        _issued("page_id", "the id of the page, digits", r"\d{1,20}", identifies=False),
        _issued("page_scoped_user_id", "the id of a person for that page, digits", r"\d{1,20}"),
        _issued("ctwa_clid", "the click id of an ad that opens WhatsApp", r"[!-~]{1,512}"),
        _issued("ig_account_id", "the id of the Instagram account, digits", r"\d{1,20}", identifies=False),
        _issued("ig_sid", "the id of a person for that account, digits", r"\d{1,20}"),
    ),
)
