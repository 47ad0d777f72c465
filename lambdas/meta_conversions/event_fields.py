"""The fields that describe a server event, and what Meta wants of each event.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/server-event,
.../parameters/custom-data, .../parameters/app-data, .../best-practices and .../offline-events (read 2026-09-12)
"""

from __future__ import annotations

from typing import Any

from activation.identifiers.codes import Code
from activation.identifiers.event_cells import (
    CURRENCY,
    URL,
    EventValue,
    FreeText,
    event_names,
    json_list,
    words,
)
from activation.identifiers.event_rules import EventRules, Need
from activation.identifiers.event_times import EventTime
from activation.identifiers.headers import Meaning
from activation.identifiers.plain import Unchanged, choice, token
from activation.identifiers.table import Digest, Field, Rule

BASE = "https://developers.facebook.com/documentation/ads-commerce/conversions-api/"
EVENT = f"{BASE}parameters/server-event"
CUSTOM = f"{BASE}parameters/custom-data"
APP = f"{BASE}parameters/app-data"
READ = "2026-09-12"

DAY_S = 86_400.0
STORE = "physical_store"
LONG_BYTES = 2_048  # addresses of pages, and what browsers say of themselves
LIST_BYTES = 20_000  # what was in an order

STANDARD = (
    *("AddPaymentInfo", "AddToCart", "AddToWishlist", "CompleteRegistration", "Contact", "CustomizeProduct"),
    *("Donate", "FindLocation", "InitiateCheckout", "Lead", "PageView", "Purchase", "Schedule", "Search"),
    *("StartTrial", "SubmitApplication", "Subscribe", "ViewContent"),
)
NAMES = {name: name for name in STANDARD} | {
    "sign_up": "CompleteRegistration",
    "checkout": "InitiateCheckout",
    "order": "Purchase",
    "sale": "Purchase",
}
SOURCES = {
    "email": "email",
    "email_campaign": "email",  # a word that is no column's name, for a constant
    "website": "website",
    "web": "website",
    "app": "app",
    "phone_call": "phone_call",
    "phone": "phone_call",
    "chat": "chat",
    STORE: STORE,
    "store": STORE,
    "offline": STORE,
    "in_store": STORE,
    "system_generated": "system_generated",
    "crm": "system_generated",
    "business_messaging": "business_messaging",
    "other": "other",
}
YES_OR_NO = {"true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false"}
ONE_OR_ZERO = {"true": "1", "yes": "1", "1": "1", "false": "0", "no": "0", "0": "0"}
CHANNELS = {name: name for name in ("messenger", "whatsapp", "instagram")}


def _field(
    key: str,
    rule: Rule,
    *synonyms: str,
    means: Meaning | None = None,
    example: str = "",
    required: bool = False,
    max_bytes: int = 0,
) -> Field:
    source = CUSTOM if key in CUSTOM_DATA else APP if key in APP_DATA else EVENT
    return Field(
        key,
        rule,
        Digest.PLAIN,
        source,
        READ,
        synonyms=synonyms,
        means=(means,) if means else (),
        required=required,
        max_bytes=max_bytes,
        example=example,
    )


def _is_content(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("id"), str | int)


def _is_id(item: Any) -> bool:
    return isinstance(item, str | int)


# Of each event's own object, of its `custom_data` and of its `app_data`, in the order on the wire.
TOP_LEVEL = (
    *("event_name", "event_time", "event_id", "action_source", "event_source_url", "referrer_url", "opt_out"),
    *("data_processing_options", "data_processing_options_country", "data_processing_options_state"),
    "messaging_channel",
)
CUSTOM_DATA = (
    *("value", "currency", "order_id", "contents", "content_ids", "content_type", "content_name"),
    *("content_category", "num_items", "search_string", "delivery_category", "predicted_ltv"),
)
APP_DATA = ("advertiser_tracking_enabled", "application_tracking_enabled", "extinfo")
# Numbers, true and false, and lists: all others are texts in quotation marks.
BARE = frozenset(
    (
        *("event_time", "opt_out", "data_processing_options_country", "data_processing_options_state"),
        *("value", "contents", "content_ids", "num_items", "predicted_ltv", *APP_DATA),
    )
)

_COUNT = token("a whole number", r"\d{1,9}")
_TEXT = FreeText("text as it stands")
# "yes" of a column such as opt_out is read by the rule for who may be sent, unless the settings map it.
EVENT_FIELDS = (
    _field("event_name", event_names(NAMES), means=Meaning.EVENT_NAME, example="purchase", required=True),
    _field("event_time", EventTime(), means=Meaning.EVENT_TIME, required=True),
    _field("event_id", Unchanged(), "dedup_id", "deduplication_id", "client_dedupe_id"),
    _field(
        "action_source",
        words(", ".join(dict.fromkeys(SOURCES.values())), SOURCES, Code.UNKNOWN_ACTION_SOURCE),
        means=Meaning.ACTION_SOURCE,
        example="store",
        required=True,
    ),
    _field("event_source_url", URL, "page_url", "url", "page_location", max_bytes=LONG_BYTES),
    _field("referrer_url", URL, "referrer", "referer", max_bytes=LONG_BYTES),
    _field("opt_out", words("whether it is kept out of ads delivery", YES_OR_NO, Code.NOT_ALLOWED)),
    _field("data_processing_options", choice("LDU, or blank", "LDU")),
    _field("data_processing_options_country", choice("1 (United States) or 0", "0", "1")),
    _field("data_processing_options_state", token("1000 (California), another state's number, or 0", r"\d{1,4}")),
    _field("messaging_channel", words("messenger, whatsapp or instagram", CHANNELS, Code.NOT_ALLOWED)),
    _field("value", EventValue(), means=Meaning.ORDER_VALUE),
    _field("currency", CURRENCY, means=Meaning.CURRENCY),
    _field("order_id", Unchanged(), means=Meaning.ORDER_ID),
    _field("contents", json_list("a list of objects with an id", _is_content), max_bytes=LIST_BYTES),
    _field("content_ids", json_list("a list of ids", _is_id), max_bytes=LIST_BYTES),
    _field("content_type", choice("product or product_group", "PRODUCT", "PRODUCT_GROUP")),
    _field("content_name", _TEXT),
    _field("content_category", _TEXT),
    _field("num_items", _COUNT),
    _field("search_string", _TEXT),
    _field(
        "delivery_category",
        words(
            "in_store, curbside or home_delivery",
            {name: name for name in ("in_store", "curbside", "home_delivery")},
            Code.NOT_ALLOWED,
        ),
    ),
    _field("predicted_ltv", EventValue()),
    _field(
        "advertiser_tracking_enabled",
        words("whether the device lets itself be tracked", ONE_OR_ZERO, Code.NOT_ALLOWED),
    ),
    _field(
        "application_tracking_enabled", words("whether the app lets it be tracked", ONE_OR_ZERO, Code.NOT_ALLOWED)
    ),
    _field("extinfo", json_list("the list of 16 facts about the device", _is_id), max_bytes=LIST_BYTES),
)

_FIRST, _LAST = frozenset(("fn", "fi", "f5first")), frozenset(("ln", "f5last"))
_BIRTH = frozenset(("db", "doby", "dobm", "dobd"))
_NOBODY = frozenset(("client_user_agent", "page_id", "ig_account_id"))  # what is nobody's own


def _of(source: str, *keys: str, code: Code) -> Need:
    return Need(keys, code, "action_source", (source,))


RULES = EventRules(
    name="event_name",
    time="event_time",
    id="event_id",
    order="order_id",
    source="action_source",
    describes=frozenset((*TOP_LEVEL, *CUSTOM_DATA, *APP_DATA)),
    needs=(
        Need(("event_name",), Code.EVENT_NAME_MISSING),
        Need(("event_time",), Code.EVENT_TIME_MISSING),
        Need(("action_source",), Code.ACTION_SOURCE_MISSING),
        Need(("value",), Code.VALUE_MISSING, "event_name", ("Purchase",)),
        Need(("currency",), Code.CURRENCY_MISSING, "event_name", ("Purchase",)),
        _of("website", "event_source_url", code=Code.URL_MISSING),
        _of("website", "client_user_agent", code=Code.USER_AGENT_MISSING),
        *(_of("app", key, code=Code.APP_DATA_MISSING) for key in APP_DATA),
        _of("app", "madid", "anon_id", code=Code.DEVICE_MISSING),
        _of("business_messaging", "messaging_channel", code=Code.CHANNEL_MISSING),
    ),
    exact=frozenset(
        (
            *("event_name", "event_time", "event_id", "action_source", "value", "currency", "order_id"),
            *("data_processing_options", "opt_out"),  # a wish not to be used that cannot be read is no consent
        )
    ),
    # "Combinations of these alone are too broad": .../conversions-api/best-practices. The initials and beginnings
    # of names, and the parts of a birthday, are as broad as the whole.
    broad=(
        frozenset(("ct", "country", "st", "zp", "ge")) | _NOBODY,
        _BIRTH | _NOBODY,
        _FIRST | {"ge"} | _NOBODY,
        _LAST | {"ge"} | _NOBODY,
    ),
    # "Up to 7 days in the past", and from a shop "within 62 days": .../using-the-api and .../offline-events
    longest_s=7 * DAY_S,
    longest_of={STORE: 62 * DAY_S},
)
