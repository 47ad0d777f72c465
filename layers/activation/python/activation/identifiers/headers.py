"""What a column of a file can mean, whatever it is called: the words that field tables and exports share."""

from __future__ import annotations

from enum import StrEnum


class Meaning(StrEnum):
    """A kind of value that exports have columns for; header_names.csv lists what such columns are called."""

    EMAIL = "email"
    PHONE = "phone"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    FIRST_INITIAL = "first_initial"
    FULL_NAME = "full_name"
    GENDER = "gender"
    CITY = "city"
    STATE = "state"
    POSTAL_CODE = "postal_code"
    COUNTRY = "country"
    ADDRESS = "address"
    DEVICE = "device"
    IDFA = "idfa"
    GAID = "gaid"
    CUSTOMER_ID = "customer_id"
    BIRTH_DATE = "birth_date"
    BIRTH_YEAR = "birth_year"
    BIRTH_MONTH = "birth_month"
    BIRTH_DAY = "birth_day"
    VALUE = "value"
    EVENT_NAME = "event_name"
    EVENT_TIME = "event_time"
    ACTION_SOURCE = "action_source"
    ORDER_ID = "order_id"
    ORDER_VALUE = "order_value"
    CURRENCY = "currency"


DEVICES = (Meaning.DEVICE, Meaning.IDFA, Meaning.GAID)
# An address at work is not where a person lives, which is what platforms match.
PLACES = frozenset((Meaning.CITY, Meaning.STATE, Meaning.POSTAL_CODE, Meaning.COUNTRY, Meaning.ADDRESS))
# What an event is has one answer as well: when it was paid is not when it was ordered.
EVENT = frozenset(
    (
        *(Meaning.EVENT_NAME, Meaning.EVENT_TIME, Meaning.ACTION_SOURCE),
        *(Meaning.ORDER_ID, Meaning.ORDER_VALUE, Meaning.CURRENCY),
    )
)
# Two ids of a row are of two systems, and neither stands in for the other; the same holds for two amounts.
SINGLE = EVENT | {Meaning.CUSTOMER_ID, Meaning.VALUE}
# Of these, two columns of the same name may be two people's.
ONE_PER_PERSON = SINGLE | {
    Meaning.FIRST_NAME,
    Meaning.LAST_NAME,
    Meaning.FIRST_INITIAL,
    Meaning.GENDER,
    Meaning.BIRTH_DATE,
    Meaning.BIRTH_YEAR,
    Meaning.BIRTH_MONTH,
    Meaning.BIRTH_DAY,
}
