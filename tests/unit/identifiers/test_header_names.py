"""What exports call their columns: understood where a name is sure, else proposed; other people's left alone."""

from __future__ import annotations

import pytest
from activation.identifiers.assign import Why, assign
from activation.identifiers.header_names import fold, names_of, senses, vocabulary
from activation.identifiers.headers import Meaning

from lambdas.meta.fields import TABLE as META
from lambdas.tiktok.fields import TABLE as TIKTOK

# Header rows of vendors' templates and of exports that their users published, the person's part of them, with
# what is known of each name: "" unused on purpose, "?" and a meaning where it is only proposed.
SOURCES: dict[str, list[tuple[str, str]]] = {
    "meta": [
        ("email", "EMAIL"), ("email", "EMAIL"), ("email", "EMAIL"), ("phone", "PHONE"), ("phone", "PHONE"),
        ("phone", "PHONE"), ("madid", "MADID"), ("fn", "FN"), ("ln", "LN"), ("zip", "ZIP"), ("ct", "CT"),
        ("st", "ST"), ("country", "COUNTRY"), ("dob", "DOBY DOBM DOBD"), ("doby", "DOBY"), ("gen", "GEN"),
        ("age", ""), ("uid", ""), ("value", "?value"),
    ],
    "google": [
        ("Email", "EMAIL"), ("Email", "EMAIL"), ("Phone", "PHONE"), ("First Name", "FN"), ("Last Name", "LN"),
        ("Country", "COUNTRY"), ("Zip", "ZIP"), ("Zip", "ZIP"), ("Mobile Device ID", "MADID"),
        ("User ID", "EXTERN_ID"),
    ],
    "linkedin": [("email", "EMAIL"), ("firstname", "FN"), ("jobtitle", ""), ("employeecompany", ""),
                 ("country", "COUNTRY"), ("googleaid", "MADID")],
    "openai": [("email", "EMAIL"), ("phone_number", "PHONE"), ("email_sha256", "EMAIL"),
               ("phone_number_sha256", "PHONE"), ("gaid", "MADID")],
    "shopify": [
        ("Customer ID", "EXTERN_ID"), ("Email", "EMAIL"), ("Accepts Email Marketing", ""),
        ("Default Address Company", ""), ("Default Address City", "CT"), ("Default Address Province Code", "ST"),
        ("Default Address Country Code", "COUNTRY"), ("Default Address Zip", "ZIP"),
        ("Default Address Phone", "PHONE"), ("Phone", "PHONE"), ("Total Spent", "?value"), ("Tags", ""),
    ],
    "woocommerce users": [
        ("ID", "?customer_id"), ("user_login", ""), ("user_email", "EMAIL"), ("billing_first_name", "FN"),
        ("billing_email", "EMAIL"), ("billing_phone", "PHONE"), ("billing_city", "CT"), ("billing_state", "ST"),
        ("billing_postcode", "ZIP"), ("billing_country", "COUNTRY"), ("shipping_city", "?city"),
    ],
    "woocommerce orders": [
        ("Order Number", ""), ("Order Status", ""), ("First Name (Billing)", "FN"), ("Email (Billing)", "EMAIL"),
        ("Phone (Billing)", "PHONE"), ("City (Billing)", "CT"), ("State Code (Billing)", "ST"),
        ("Postcode (Billing)", "ZIP"), ("Country Code (Billing)", "COUNTRY"), ("_billing_email", "EMAIL"),
    ],
    "woocommerce customers": [("Name", ""), ("Email", "EMAIL"), ("Country / Region", "COUNTRY"), ("City", "CT"),
                              ("Region", "ST"), ("Postal Code", "ZIP"), ("Total Spend", "?value")],
    "salesforce report": [
        ("Salutation", "?gender"), ("Mailing Street", ""), ("Mailing City", "CT"),
        ("Mailing State/Province", "ST"),
        ("Mailing Zip/Postal Code", "ZIP"), ("Mailing Country", "COUNTRY"), ("Mobile", "PHONE"),
        ("Phone", "PHONE"), ("Email", "EMAIL"), ("Account Name", ""), ("Account Phone", ""),
        ("Contact Owner Email", ""),
    ],
    "salesforce api": [
        ("Id", "?customer_id"), ("FirstName", "FN"), ("LASTNAME", "LN"), ("NAME", ""), ("MOBILEPHONE", "PHONE"),
        ("HomePhone", "PHONE"), ("MAILINGCITY", "CT"), ("MailingStateCode", "ST"), ("MAILINGPOSTALCODE", "ZIP"),
        ("MailingCountryCode", "COUNTRY"), ("Birthdate", "DOBY DOBM DOBD"), ("HASOPTEDOUTOFEMAIL", ""),
    ],
    "marketing cloud": [("Subscriber Key", "EXTERN_ID"), ("EmailAddress", "EMAIL"), ("Status", "")],
    "hubspot": [("Record ID - Contact", "EXTERN_ID"), ("Mobile Phone Number", "PHONE"), ("City", "CT"),
                ("State/Region", "ST"), ("Country/Region", "COUNTRY"), ("Lead Status", "")],
    "mailchimp": [("Email Address", "EMAIL"), ("FNAME", "FN"), ("LNAME", "LN"), ("CC", "?country"),
                  ("REGION", "?state"), ("EUID", "?customer_id"), ("UNSUB_TIME", "")],
    "brevo": [("EMAIL", "EMAIL"), ("SMS", "PHONE"), ("EMAIL_BLACKLISTED", ""), ("SMS_BLACKLISTED", "")],
    "klaviyo": [("Klaviyo ID", "EXTERN_ID"), ("State / Region", "ST"), ("Email Marketing Consent", "")],
    "braze": [("external_id", "EXTERN_ID"), ("user_id", ""), ("home_city", "CT"), ("email_subscribe", "")],
    "segment": [("userId", "EXTERN_ID"), ("firstName", "FN"), ("address.city", "CT"),
                ("address.postalCode", "ZIP"),
                ("context.device.advertisingId", "MADID"), ("anonymousId", ""), ("traits.email", "EMAIL")],
    "dynamics": [
        ("(Do Not Modify) Contact", "?customer_id"), ("Full Name", ""), ("Company Name", ""),
        ("Business Phone", "PHONE"), ("Mobile Phone", "PHONE"), ("Address 1: City", "CT"),
        ("Address 1: State/Province", "ST"), ("Address 1: ZIP/Postal Code", "ZIP"),
        ("Address 1: Country/Region", "COUNTRY"), ("emailaddress1", "EMAIL"), ("telephone1", "PHONE"),
        ("address1_city", "CT"),
    ],
    "google contacts": [
        ("Name", ""), ("Given Name", "FN"), ("Family Name", "LN"), ("Yomi Name", ""), ("E-mail 1 - Label", ""),
        ("E-mail 1 - Value", "EMAIL"), ("E-mail 2 - Value", "EMAIL"), ("Phone 1 - Type", ""),
        ("Phone 1 - Value", "PHONE"), ("Address 1 - City", "CT"), ("Address 1 - Region", "ST"),
        ("Address 1 - Postal Code", "ZIP"), ("Address 1 - Country", "COUNTRY"),
    ],
    "outlook": [("E-mail Address", "EMAIL"), ("E-mail Type", ""), ("E-mail 2 Address", "EMAIL"),
                ("Home City", "CT"), ("Home State", "ST"), ("Home Country/Region", "COUNTRY"),
                ("Business City", ""), ("Assistant's Phone", ""), ("Home Fax", "")],
    "outlook, german": [
        ("Anrede", ""), ("Vorname", "FN"), ("Weitere Vornamen", ""), ("Nachname", "LN"),
        ("Bundesland/Kanton privat", "ST"), ("Postleitzahl privat", "ZIP"), ("Land/Region privat", "COUNTRY"),
        ("Telefon (privat)", "PHONE"), ("Telefon geschäftlich", "PHONE"), ("Mobiltelefon", "PHONE"),
        ("E-Mail-Adresse", "EMAIL"), ("E-Mail-Typ", ""), ("Geburtstag", "DOBY DOBM DOBD"), ("Geschlecht", "GEN"),
        ("Ort", "CT"),
    ],
    "thunderbird": [("Primary Email", "EMAIL"), ("Secondary Email", "EMAIL"), ("Work Phone", "PHONE"),
                    ("Home ZipCode", "ZIP"), ("Home County", "?state"), ("Birth Year", "DOBY"),
                    ("Birth Month", "DOBM"), ("Birth Day", "DOBD")],
    "thunderbird, british": [("Primary Email", "EMAIL"), ("Home County", "ST"), ("Home Post Code", "ZIP")],
    "sap": [("KUNNR", "EXTERN_ID"), ("NAME_FIRST", "FN"), ("NAME_LAST", "LN"), ("SMTP_ADDR", "EMAIL"),
            ("TEL_NUMBER", "PHONE"), ("MOB_NUMBER", "PHONE"), ("CITY1", "CT"), ("POST_CODE1", "ZIP"),
            ("LAND1", "COUNTRY"), ("REGIO", "ST"), ("NAME1", "")],
    "adobe": [("@email", "EMAIL"), ("@mobilePhone", "PHONE"), ("@birthDate", "DOBY DOBM DOBD"),
              ("location_zipCode", "ZIP"), ("location_countryCode", "COUNTRY")],
    "french": [("Civilité", "?gender"), ("Prénom", "FN"), ("Nom", "LN"), ("Adresse e-mail", "EMAIL"),
               ("Téléphone", "PHONE"), ("Portable", "PHONE"), ("CP", "ZIP"), ("Ville", "CT"), ("Pays", "COUNTRY"),
               ("Date de naissance", "DOBY DOBM DOBD")],
    "spanish": [("Nombre", "FN"), ("Apellidos", "LN"), ("Correo electrónico", "EMAIL"), ("Móvil", "PHONE"),
                ("Código postal", "ZIP"), ("Ciudad", "CT"), ("País", "COUNTRY"), ("Sexo", "GEN")],
    "italian": [("Nome", "FN"), ("Cognome", "LN"), ("Posta elettronica", "EMAIL"), ("Cellulare", "PHONE"),
                ("CAP", "ZIP"), ("Comune", "CT"), ("Provincia", "ST"), ("Nazione", "COUNTRY")],
    "portuguese": [("Nome", "FN"), ("Sobrenome", "LN"), ("Celular", "PHONE"), ("CEP", "ZIP"), ("Cidade", "CT"),
                   ("Estado", "ST"), ("Estado civil", ""), ("País", "COUNTRY")],
    "dutch": [("Voornaam", "FN"), ("Tussenvoegsel", ""), ("Achternaam", "LN"), ("E-mailadres", "EMAIL"),
              ("Telefoonnummer", "PHONE"), ("Postcode", "ZIP"), ("Woonplaats", "CT"), ("Land", "COUNTRY")],
    "japanese": [("姓", "LN"), ("名", "FN"), ("フリガナ", ""), ("会社名", ""), ("ﾒｰﾙｱﾄﾞﾚｽ", "EMAIL"),
                 ("Ｅメール", "EMAIL"), ("電話番号", "PHONE"), ("携帯電話", "PHONE"), ("郵便番号", "ZIP"),
                 ("都道府県", "ST"), ("市区町村", "CT"), ("国", "COUNTRY"), ("生年月日", "DOBY DOBM DOBD")],
    "leads": [("id", "?customer_id"), ("ad_id", "?gaid"), ("email", "EMAIL"), ("full_name", ""),
              ("phone_number", "PHONE")],
    "salesforce, custom": [("Email__c", "EMAIL"), ("PersonEmail", "EMAIL"), ("PersonMailingCity", "CT")],
    "forms": [("Votre adresse e-mail", "EMAIL"), ("Phone number (optional)", "PHONE"), ("Your name", ""),
              ("Email (Primary)", "EMAIL"), ("E-mail principal", "EMAIL"), ("Telefon (geschäftl.)", "PHONE")],
    "japanese, joined": [("氏名(姓)", "LN"), ("氏名(名)", "FN"), ("会員名", ""), ("住所(都道府県)", "ST"),
                         ("メールアドレス(必須)", "EMAIL")],
    "databases": [("BIRTH_DT", "DOBY DOBM DOBD"), ("GENDER_CD", "GEN"), ("ZIP_CD", "ZIP"), ("STATE_CD", "ST"),
                  ("CNTRY_CD", "COUNTRY"), ("country_cd", "COUNTRY"), ("phone_e164", "PHONE"),
                  ("mobile_e164", "PHONE"),
                  ("mail_adr", "EMAIL"), ("ORDER_DT", ""), ("STATUS_CD", ""), ("EMAIL_CD", ""),
                  ("TITLE_CD", "")],
    "dates with a format": [("DOB (MM/DD/YYYY)", "DOBY DOBM DOBD"),
                            ("Geburtsdatum [TT.MM.JJJJ]", "DOBY DOBM DOBD"),
                            ("Date de naissance (JJ/MM/AAAA)", "DOBY DOBM DOBD"), ("email", "EMAIL"),
                            ("生年月日\uff08西暦\uff09", "DOBY DOBM DOBD"), ("F. nacimiento", "DOBY DOBM DOBD")],
    "abbreviations": [("Tfno. fijo", "PHONE"), ("Tfno. móvil", "PHONE"), ("Tél. port.", "PHONE"),
                      ("Nº teléfono", "PHONE"), ("N° de téléphone", "PHONE"), ("ご住所\uff08都道府県\uff09", "ST"),
                      ("E-Mail Kunde", "EMAIL"), ("Kunden-E-Mail", "EMAIL"), ("device.country", "")],
    "buyers": [("Nombre comprador", "FN"), ("Apellidos comprador", "LN"), ("Email comprador", "EMAIL")],
    "orders": [("Name", ""), ("Email", "EMAIL"), ("Billing Name", ""), ("Billing City", "CT"),
               ("Billing Phone", "PHONE"), ("Shipping Phone", "?phone"), ("Buyer Email", "?email"),
               ("Phone", "PHONE")],
    "school": [("Student First Name", "?first_name"), ("Parent 1 Email", "?email"), ("Parent 2 Email", "?email")],
    "nobody's": [("last contact", ""), ("first order", ""), ("mail status", ""), ("phone country code", ""),
                 ("zip4", ""), ("product name", ""), ("homepage", ""), ("email type", ""), ("city/state/zip", ""),
                 ("PLZ/Ort", ""), ("email", "EMAIL")],
}  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
def test_the_columns_of_an_export_are_understood(source: str) -> None:
    """Each name of a known export is used for its fields, proposed, or left alone."""
    header = [name for name, _ in SOURCES[source]]
    found = assign(META, header)
    said = {
        index: " ".join(key for key, uses in found.uses.items() if index in (use.index for use in uses))
        for index in range(len(header))
    }
    said |= {one.index: f"?{one.meaning}" for one in found.proposals}
    assert [(name, said[index]) for index, name in enumerate(header)] == SOURCES[source]


def test_tiktoks_template_fills_every_type() -> None:
    """Plain and hashed device ids of one file are all used, whatever the case of their names."""
    header = ["MAID", "phone_SHA256", "email_SHA256", "MAID_SHA256", "MAID_MD5"]
    uses = {key: [use.index for use in of_key] for key, of_key in assign(TIKTOK, header).uses.items()}
    assert uses == {"EMAIL_SHA256": [2], "PHONE_SHA256": [1], "FIRST_SHA256": [0, 3], "FIRST_MD5": [4]}


@pytest.mark.parametrize(
    ("header", "preferred"),
    [
        (["Business Phone", "Home Phone", "Phone", "Mobile Phone"], [3, 2, 1, 0]),
        (["Secondary Email", "email_sha256", "Work Email", "Primary Email"], None),
        (["phone 3", "phone 2", "phone"], [2, 1, 0]),
    ],
)
def test_columns_of_one_field_are_in_order_of_preference(header: list[str], preferred: list[int] | None) -> None:
    """Mobile before home before business, primary before secondary, plain before hashed."""
    (uses,) = assign(META, header).uses.values()
    assert [use.index for use in uses] == (preferred or [3, 2, 0, 1])


@pytest.mark.parametrize(
    "other",
    [
        "Emergency Contact Phone", "Parent/Guardian Phone", "Mother's Phone", "Spouse Phone", "Shipping Phone",
        "Phone (Shipping)", "attendee_phone", "Guest 2 Phone", "Reference 1 Phone", "Contact 2 Phone",
        "Notfallkontakt Telefon", "Lieferadresse Telefon", "Téléphone du conjoint", "Teléfono de emergencia",
        "recipient phone", "referred_by_phone", "緊急連絡先電話番号", "buyer phone",
    ],
)  # fmt: skip
def test_another_persons_column_is_proposed_and_never_joined(other: str) -> None:
    """The row's own person keeps to their own columns."""
    found = assign(META, ["email", other])
    assert list(found.uses) == ["EMAIL"]
    assert [(one.index, one.meaning, one.why) for one in found.proposals] == [
        (1, Meaning.PHONE, Why.ANOTHER_PERSON)
    ]


@pytest.mark.parametrize(
    ("header", "used"),
    [
        (
            ["First Name 1", "Last Name 1", "Email 1", "First Name 2", "Last Name 2", "Email 2", "Phone 2"],
            [0, 1, 2],
        ),
        (["First Name", "Email", "Phone", "DOB 2", "Email 2", "Phone 3"], [0, 1, 2, 5]),
        (["Last Name 1", "Email 1", "Last Name 2", "Email 2"], [0, 1]),
        (["First Name", "Email 1", "Email 2"], [0, 1, 2]),
        (["Nombre", "Apellido 1", "Apellido 2", "Email 1", "Email 2"], [0, 1, 3, 4]),
        (["email", "customer id 2", "email 2"], [0, 2]),
    ],
)
def test_a_number_on_a_name_makes_what_else_has_it_another_persons(header: list[str], used: list[int]) -> None:
    """Numbered addresses without numbered names stay one person's, and so do Spanish last names."""
    found = assign(META, header)
    assert sorted({use.index for uses in found.uses.values() for use in uses}) == used
    assert found.others | {*used} == {*range(len(header))}


@pytest.mark.parametrize("person", ["buyer", "attendee", "shipping"])
def test_the_only_person_of_a_file_is_the_row_s(person: str) -> None:
    """A list of attendees is about them; a buyer goes before the people bought for."""
    header = [f"{person}_email", f"{person} first name"]
    assert {key: uses[0].index for key, uses in assign(META, header).uses.items()} == {"EMAIL": 0, "FN": 1}
    found = assign(META, ["attendee email", "buyer email"])
    assert [use.index for use in found.uses["EMAIL"]] == [1]
    assert [one.index for one in found.proposals] == [0]
    assert assign(META, ["guest 1 email", "guest 2 email"]).uses == {}


def test_two_ids_are_never_joined() -> None:
    """Ids of two systems do not stand in for each other: the best known one is used."""
    found = assign(META, ["klaviyo id", "customer_id", "external_id"])
    assert [use.index for use in found.uses["EXTERN_ID"]] == [2]


@pytest.mark.parametrize("name", ["nom", "name", "id", "land", "state", "cap", "cp", "Title", "sms", "ort"])
def test_an_ambiguous_name_alone_is_never_used(name: str) -> None:
    """What a name may mean beside others says nothing of it alone."""
    assert list(assign(META, ["email", name]).uses) == ["EMAIL"]


@pytest.mark.parametrize(
    ("name", "folded"),
    [("E-Mail-Adresse", "emailadresse"), ("PRÉNOM", "prenom"), ("Straße", "strasse"), ("ガイド", "ガイド"),
     ("ｶﾞｲﾄﾞ", "ガイド"), ("Ｅメール", "eメール"), ("zip_code ", "zipcode")],
)  # fmt: skip
def test_names_are_folded(name: str, folded: str) -> None:
    """Case, accents, width and punctuation go; the voicing marks of Japanese are letters and stay."""
    assert fold(name) == folded


def test_the_file_of_names_is_whole() -> None:
    """Every meaning has names, each of which is read as that meaning or, where ambiguous, may be."""
    assert vocabulary().names
    for meaning in Meaning:
        names = [*names_of(meaning)]
        assert names
        for name, _ in names:
            assert meaning in {one.meaning for one in senses(name)}, name


@pytest.mark.parametrize("name", ["Username", "User Name", "Profile Name", "Location Name", "Address Name"])
def test_a_compound_of_name_is_no_last_name(name: str) -> None:
    """Beside a first name, "name" alone is the last name; a name that an account or a place has is nobody's."""
    assert list(assign(META, ["email", "Vorname", name]).uses) == ["EMAIL", "FN"]
    assert [use.index for use in assign(META, ["email", "Vorname", name, "Name"]).uses["LN"]] == [3]
