"""The column names exports use, for the fields' synonyms; compared without case, spaces, hyphens, underscores."""

from __future__ import annotations

EMAIL = (
    "email", "mail", "email_address", "mail_address", "e_mail_address", "emailid", "customer_email",
    "contact_email", "user_email", "primary_email", "subscriber_email", "email_sha256", "hashed_email",
    "email_hash", "sha256_email", "em",
)  # fmt: skip
PHONE = (
    "phone", "phone_number", "phoneno", "telephone", "telephone_number", "tel", "mobile",
    "mobile_phone", "mobile_number", "mobileno", "cell", "cellphone", "cell_phone", "msisdn",
    "contact_number", "primary_phone", "customer_phone", "phone_sha256", "hashed_phone",
    "hashed_phone_number", "phone_hash", "phone_number_sha256", "sha256_phone_number", "sha256_phone",
    "ph",
)  # fmt: skip
FIRST_NAME = (
    "first_name", "fname", "given_name", "forename", "name_first", "vorname", "prenom", "first",
    "hashed_first_name", "sha256_first_name", "fn",
)  # fmt: skip
LAST_NAME = (
    "last_name", "lname", "surname", "family_name", "name_last", "nachname", "last", "hashed_last_name",
    "sha256_last_name", "ln",
)  # fmt: skip
FIRST_INITIAL = ("first_initial", "initial", "fi")
GENDER = ("gender", "sex", "gen", "ge")
CITY = ("city", "town", "city_name", "locality", "municipality", "ct", "cty")
STATE = ("state", "region", "province", "state_code", "state_province", "region_code", "st")
POSTAL_CODE = ("zip", "zip_code", "postal_code", "postcode", "postal", "post_code", "plz", "zp")
COUNTRY = ("country", "country_code", "country_name", "country_iso", "iso_country", "country_iso2", "country_iso3")
DEVICE = (
    "maid", "madid", "mobile_advertiser_id", "mobile_advertising_id", "mobile_ad_id", "advertising_id",
    "device_id",
)  # fmt: skip
IDFA = ("idfa", "ios_advertising_id", "apple_advertising_id")
GAID = ("gaid", "aaid", "adid", "android_advertising_id", "google_advertising_id", "gps_adid")
CUSTOMER = (
    "external_id", "extern_id", "customer_id", "user_id", "client_id", "crm_id", "member_id",
    "contact_id", "external_user_id", "subject_id",
)  # fmt: skip
ADDRESS = ("address", "street", "street_address", "address1", "address_line1", "address_line")
WHOLE_BIRTH_DATE = ("dob", "birthdate", "birth_date", "date_of_birth", "birthday", "bday", "born")
BIRTH_YEAR = ("birth_year", "year_of_birth", "yob", "dob_year", "birthyear")
BIRTH_MONTH = ("birth_month", "month_of_birth", "mob", "dob_month", "birthmonth")
BIRTH_DAY = ("birth_day", "day_of_birth", "dob_day")
