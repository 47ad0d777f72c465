"""The closed set of reasons why a cell is not sent: stable codes, each with a sentence for people."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Why nothing is sent for a cell that is not blank. Receipts and alarms count these; never rename one."""

    TOO_LONG = "too_long"
    BAD_UNICODE = "bad_unicode"
    DAMAGED_TEXT = "damaged_text"
    BLANK_WORD = "blank_word"
    PLACEHOLDER = "placeholder"
    LOOKS_HASHED = "looks_hashed"
    PLAIN_VALUE = "plain_value"
    POISON_HASH = "poison_hash"
    HASH_MD5 = "hash_md5"
    HASH_SHA1 = "hash_sha1"
    HASH_SHA256 = "hash_sha256"
    HASH_BASE64 = "hash_base64"
    HASH_LENGTH = "hash_length"
    NUMBER_AS_FLOAT = "number_as_float"
    NOT_AN_EMAIL = "not_an_email"
    NOT_A_PHONE = "not_a_phone"
    PHONE_LENGTH = "phone_length"
    PHONE_ALL_ZEROS = "phone_all_zeros"
    PHONE_EXTENSION = "phone_extension"
    PHONE_LETTERS = "phone_letters"
    PHONE_NO_COUNTRY = "phone_no_country"
    PHONE_NOT_IN_COUNTRY = "phone_not_in_country"
    PHONE_AMBIGUOUS = "phone_ambiguous"
    PHONE_NOT_IN_PLAN = "phone_not_in_plan"
    NOTHING_LEFT = "nothing_left"
    NOT_LATIN = "not_latin"
    NOT_A_POSTAL_CODE = "not_a_postal_code"
    UNKNOWN_COUNTRY = "unknown_country"
    UNKNOWN_GENDER = "unknown_gender"
    NOT_A_DATE = "not_a_date"
    AMBIGUOUS_DATE = "ambiguous_date"
    DATE_OUT_OF_RANGE = "date_out_of_range"
    NOT_A_DEVICE_ID = "not_a_device_id"
    DEVICE_OPTED_OUT = "device_opted_out"
    NOT_ALLOWED = "not_allowed"
    PERSONAL_IN_CLEAR = "personal_in_clear"
    INCOMPLETE_SET = "incomplete_set"
    REQUIRED_MISSING = "required_missing"
    UNKNOWN_EVENT_NAME = "unknown_event_name"
    UNKNOWN_ACTION_SOURCE = "unknown_action_source"
    NOT_A_TIME = "not_a_time"
    TIME_WITHOUT_ZONE = "time_without_zone"
    TIME_IN_MILLISECONDS = "time_in_milliseconds"
    NOT_AN_AMOUNT = "not_an_amount"
    NEGATIVE_VALUE = "negative_value"
    UNKNOWN_CURRENCY = "unknown_currency"
    NOT_A_LIST = "not_a_list"
    EVENT_NAME_MISSING = "event_name_missing"
    EVENT_TIME_MISSING = "event_time_missing"
    ACTION_SOURCE_MISSING = "action_source_missing"
    VALUE_MISSING = "value_missing"
    CURRENCY_MISSING = "currency_missing"
    URL_MISSING = "url_missing"
    USER_AGENT_MISSING = "user_agent_missing"
    APP_DATA_MISSING = "app_data_missing"
    DEVICE_MISSING = "device_missing"
    CHANNEL_MISSING = "channel_missing"
    USER_DATA_TOO_BROAD = "user_data_too_broad"
    REPEATED_EVENT_ID = "repeated_event_id"
    EVENT_IN_FUTURE = "event_in_future"
    TOO_OLD_FOR_PLATFORM = "too_old_for_platform"
    SUPPRESSED = "suppressed"
    SUPPRESSED_PHONE = "suppressed_phone"


SENTENCES: dict[Code, str] = {
    Code.TOO_LONG: "The cell is longer than any identifier of this kind can be.",
    Code.BAD_UNICODE: "The cell holds half of a character (a lone surrogate) and cannot be written as UTF-8.",
    Code.DAMAGED_TEXT: "The cell holds the sign for a letter that an earlier program could not read (U+FFFD).",
    Code.BLANK_WORD: "The cell holds a word or sign for 'no value', such as null, NaN or n/a.",
    Code.PLACEHOLDER: "The cell holds a placeholder that stands for nobody.",
    Code.LOOKS_HASHED: "The drop is declared raw; the cell looks like a digest; hashed twice, it matches nobody.",
    Code.PLAIN_VALUE: "The drop is declared hashed but the cell is not a digest; it is not sent as plaintext.",
    Code.POISON_HASH: "The cell is the digest of an empty value, a word for 'no value' or a placeholder.",
    Code.HASH_MD5: "The cell is as long as an MD5 digest; the platform wants SHA-256.",
    Code.HASH_SHA1: "The cell is as long as a SHA-1 digest, which the platform does not take.",
    Code.HASH_SHA256: "The cell is as long as a SHA-256 digest; this identifier type wants MD5.",
    Code.HASH_BASE64: "The cell is a digest in base64; the platform wants lower-case hexadecimal.",
    Code.HASH_LENGTH: "The cell is hexadecimal but not as long as any digest: cut off or run together.",
    Code.NUMBER_AS_FLOAT: "A spreadsheet or a float column has rewritten the number; export it as text.",
    Code.NOT_AN_EMAIL: "The cell is not an e-mail address.",
    Code.NOT_A_PHONE: "The cell is not one telephone number.",
    Code.PHONE_LENGTH: "The number has too few or too many digits for a telephone number.",
    Code.PHONE_ALL_ZEROS: "The number consists of zeros.",
    Code.PHONE_EXTENSION: "The number has an extension, so it does not name one person.",
    Code.PHONE_LETTERS: "The number is spelled with letters.",
    Code.PHONE_NO_COUNTRY: "The number has no country code and no default country is configured.",
    Code.PHONE_NOT_IN_COUNTRY: "The number has no country code and is not a number of the default country.",
    Code.PHONE_AMBIGUOUS: "The number is one with its country code and another without; write it with a plus.",
    Code.PHONE_NOT_IN_PLAN: "No country has this country code, or the country has no numbers of this length.",
    Code.NOTHING_LEFT: "Nothing is left once white space and punctuation are removed.",
    Code.NOT_LATIN: "The platform takes the letters a to z in this field and the cell has others.",
    Code.NOT_A_POSTAL_CODE: "The cell is not a postal code.",
    Code.UNKNOWN_COUNTRY: "The cell is neither a code nor a name of a country.",
    Code.UNKNOWN_GENDER: "The cell is not a word for one of the two genders the platform knows.",
    Code.NOT_A_DATE: "The cell is not a date of birth, or not the part of one this field wants.",
    Code.AMBIGUOUS_DATE: "Day and month could be either way round; export dates as YYYY-MM-DD.",
    Code.DATE_OUT_OF_RANGE: "The date is before 1900, in the future, or not in the calendar.",
    Code.NOT_A_DEVICE_ID: "The cell is not a mobile advertising id.",
    Code.DEVICE_OPTED_OUT: "The advertising id is all zeros: its owner has opted out of tracking.",
    Code.NOT_ALLOWED: "The cell is not one of the values, or not of the shape, that the platform defines here.",
    Code.INCOMPLETE_SET: "The cell counts only together with others of its row, and one of them is missing.",
    Code.REQUIRED_MISSING: "The platform wants this field in every row, and the cell is empty.",
    Code.PERSONAL_IN_CLEAR: "The cell is an address or phone number, and this field would be sent as plaintext.",
    Code.UNKNOWN_EVENT_NAME: (
        "No event of the platform has this name; write a standard one, or other:NAME for your own."
    ),
    Code.UNKNOWN_ACTION_SOURCE: (
        "The cell is no source of events; write website, app, store, phone, email, chat, crm or other."
    ),
    Code.NOT_A_TIME: (
        "The cell is no time; write ISO 8601 with its zone, 2026-11-30T08:00:00+01:00, or Unix seconds."
    ),
    Code.TIME_WITHOUT_ZONE: ("The time has no zone; append an offset or Z, give --time-zone, or set time_zone."),
    Code.TIME_IN_MILLISECONDS: "The time is in milliseconds or smaller units; write Unix seconds, ten digits.",
    Code.NOT_AN_AMOUNT: "The cell is not a plain number; write it with a point for decimals, such as 1234.50.",
    Code.NEGATIVE_VALUE: "The event's value is below zero; write 0 or more, and leave refunds out.",
    Code.UNKNOWN_CURRENCY: "The cell is no ISO 4217 currency code; write one such as EUR.",
    Code.NOT_A_LIST: 'The cell is not a list of what the platform wants here; write JSON, such as ["A1","B2"].',
    Code.EVENT_NAME_MISSING: "The row does not say what happened; fill event_name, or map a value for all rows.",
    Code.EVENT_TIME_MISSING: "The row does not say when the event took place; fill event_time.",
    Code.ACTION_SOURCE_MISSING: (
        "The row does not say where it took place; fill action_source, or map a value for all rows."
    ),
    Code.VALUE_MISSING: (
        "The platform wants a value in an event of this name; fill value, with 0 where it was free."
    ),
    Code.CURRENCY_MISSING: (
        "The event needs a currency; fill currency with a code such as EUR, or map it for all rows."
    ),
    Code.URL_MISSING: "The event took place on a website; fill event_source_url with the address of its page.",
    Code.USER_AGENT_MISSING: (
        "The event took place on a website; fill client_user_agent with the browser's own text."
    ),
    Code.APP_DATA_MISSING: (
        "The event took place in an app; fill extinfo and both columns of tracking, see the platform's page."
    ),
    Code.DEVICE_MISSING: "The event took place in an app; fill madid or anon_id.",
    Code.CHANNEL_MISSING: (
        "The event took place in a messenger; fill messaging_channel with messenger, whatsapp or instagram."
    ),
    Code.USER_DATA_TOO_BROAD: (
        "What the row says of its person is true of too many; add an e-mail address, phone or id."
    ),
    Code.REPEATED_EVENT_ID: (
        "Other rows have this event id; write one row an order, or map a line's own id as event_id."
    ),
    Code.EVENT_IN_FUTURE: "The event was not over when it was to be sent; correct its time, or its zone.",
    Code.TOO_OLD_FOR_PLATFORM: (
        "The event was older, when it was to be sent, than the platform accepts; send events within days."
    ),
    Code.SUPPRESSED: "The row holds an identifier of somebody on a suppression list; nothing of it is sent.",
    Code.SUPPRESSED_PHONE: "The phone is on a suppression list; the row is sent without it.",
}
