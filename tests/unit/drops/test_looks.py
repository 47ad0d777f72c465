"""Which columns look like e-mail addresses or telephone numbers, and which merely resemble them."""

from __future__ import annotations

import pytest
from activation.drops.columns import map_columns
from activation.drops.looks import has_country_code, like_mail, like_phones
from activation.drops.open import open_drop
from activation.drops.sample import Sample
from activation.drops.sampling import take_sample
from activation.drops.source import BytesSource
from activation.drops.telling_names import telling
from activation.identifiers.table import Context
from activation.model import HASHED, RAW

from lambdas.meta.fields import TABLE

# Names of columns that are telephone numbers, each with cells as exports of that language have them.
PHONES = {
    "Telefon privat": ["0171 5550100", "0171/5550101", "030 5550102"],
    "Handynummer": ["01715550100", "01605550101"],
    "Rufnummer": ["+49 171 5550100", "0049 171 5550101"],
    "Portable": ["06 12 34 56 78", "0612345679"],
    "Numéro de téléphone": ["06.12.34.56.78", "+33 6 12 34 56 79"],
    "Móvil": ["612 345 678", "622345679"],
    "Celular": ["(11) 91234-5678", "(21) 99876-5432"],
    "Cellulare": ["347 123 4567", "3471234568"],
    "GSM-nummer": ["06-12345678", "0612345679"],
    "電話番号": ["03-1234-5678", "090-1234-5678"],
    "Contact number (mobile)": ["(415) 555-0100", "415-555-0101"],
    "WhatsApp": ["14155550100", "447400123456"],
    "Phone (spreadsheet)": ["'+14155550100", "14155550101.0"],
    "Phones": ["+46 70 555 01 00 ::: +46 70 555 01 01", "+46705550102;+46705550103"],
    "Kontakt": ["+49 171 5550100", "+43 664 5550101"],
    "Reach at": ["(415) 555-0100", "(212) 555-0101"],
}
# Columns that are none, whatever their digits look like.
NO_PHONES = {
    "Order Number": ["4155550100", "4155550101"],
    "Bestellnummer": ["01715550100", "01715550101"],
    "Numéro de commande": ["+33612345678", "+33612345679"],
    "Número de cliente": ["612345678", "622345679"],
    "Codice cliente": ["3471234567", "3471234568"],
    "Código do pedido": ["(11) 91234-5678", "(21) 99876-5432"],
    "Klantnummer": ["0612345678", "0612345679"],
    "注文番号": ["090-1234-5678", "090-1234-5679"],
    "KUNNR": ["0171555010", "0171555011"],
    "Phone ID": ["4155550100", "4155550101"],
    "Fax": ["+49 30 5550100", "+49 30 5550101"],
    "Telefax privat": ["+49 30 5550100", "+49 30 5550101"],
    "ファックス": ["03-1234-5678", "03-1234-5679"],
    "Created": ["1764446234", "1764446235"],
    "Signup": ["2026-11-29 19:57:14", "2026-11-29T19:57:14Z"],
    "Mobile opt-in date": ["2026-11-29", "29.11.2026", "11/29/2026"],
    "Phone verified": ["true", "false"],
    "Kontoverbindung": ["DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19"],
    "Total Spent": ["1,234.56", "199.00", "12345678.90"],
    "Umsatz": ["1.234.567", "1.234,50"],
    "Mobile revenue": ["1234567.00", "7654321.50"],
    "Mobile sessions": ["1234567", "891", "23456789"],
    "Latitude": ["52.5200066", "-33.8688197"],
    "Geo": ["52.5200066,13.404954", "+52.5200066+013.404954"],
    "Customer": ["1000023456", "1000023457"],
    "Artikel": ["4006381333931", "4006381333948"],
    "Book": ["978-3-16-148410-0", "978-0-306-40615-7"],
    "Card": ["4242 4242 4242 4242", "**** 4242"],
    "Tail": ["4242", "1881"],
    "Zip": ["94046-1234", "10118-0001"],
    "CEP": ["01310-100", "20040-002"],
    "Beleg": ["2026-000123", "2026-000124"],
    "Voucher": ["202-6000123", "415-5550124"],
    "Contribuinte": ["212 345 678", "234 567 890"],
    "Verein": ["810101-1234", "820202-5678"],
    "Amex": ["3782 822463 10005", "3714 496353 98431"],
    "ABN": ["51 824 753 556", "53 004 085 616"],
    "AHV": ["756.1234.5678.97", "756.9217.0769.85"],
    "Device": ["35-209900-176148-1", "49-015420-323751-8"],
    "Tax": ["123-45-6789", "987-65-4321"],
    "Address": ["192.168.100.200", "10.20.30.40"],
    "Emergency contact phone": ["+14155550100", "+14155550101"],
    "Shipping Phone": ["+14155550100", "+14155550101"],
    "Account Manager Mobile": ["+14155550100", "+14155550101"],
}
MAILS = {
    "E-Mail-Adresse": ["ana@example.org", "BO@example.org "],
    "Correo electrónico": ["Ana Ruiz <ana@example.org>", "mailto:bo@example.org"],
    "Courriel": ["ana@example.org;a.ruiz@example.net", "bo@example.org"],
    "メールアドレス": ["ana@example.co.jp", "bo..x@docomo.ne.jp"],
    "Contact": ["ana@example.org", "bo@example.org", "bo@müller.example"],
    "login": ["ana@example.org", "bo@example.org"],
    "email id": ["ana@example.org", "bo@example.org"],
}
NO_MAILS = {
    "Twitter": ["@ana", "@bo_lind"],
    "Social": ["@ana", "@bo.lind"],
    "Profile": ["https://social.example/@ana.ruiz", "https://social.example/@bo.lind"],
    "Mastodon": ["ana@social.example", "bo@social.example"],
    "Message-ID": ["20261129.1@mail.example.org", "20261129.2@mail.example.org"],
    "Customer number": ["a1@example.org", "a2@example.org"],
    "Owner Email": ["rep@example.org", "rep@example.org"],
    "Created By": ["admin@example.org", "admin@example.org"],
    "Notes": ["write to ana@example.org soon", "ok"],
    "Host": ["root@localhost", "deploy@web1"],
}


def taken(text: str, *, hashed: bool = False, country: str = "") -> Sample:
    """Sample a CSV file as Meta would be sent it."""
    kind = HASHED if hashed else RAW
    reader = open_drop(BytesSource(text.encode()))
    return take_sample(reader, map_columns(TABLE, reader.header, kind), kind, TABLE, Context(country))


def judged(name: str, cells: list[str]) -> str:
    """Judge cells with what their column's name says, whether or not the name may be shown."""
    said = telling(name)
    if not said.bars_mail and like_mail(cells):
        return "email"
    return "phone" if not said.bars_phone and like_phones(cells, named=said.phone, country="") else ""


@pytest.mark.parametrize("name", PHONES)
def test_telephone_numbers_are_recognised(name: str) -> None:
    """National and international numbers are, by the name and by how people write them, in eight languages."""
    assert judged(name, PHONES[name]) == "phone"


@pytest.mark.parametrize("name", NO_PHONES)
def test_other_digits_are_no_telephone_numbers(name: str) -> None:
    """Orders, dates, prices, places, cards, faxes and other people's numbers are left alone."""
    assert judged(name, NO_PHONES[name]) == ""


@pytest.mark.parametrize("name", MAILS)
def test_addresses_are_recognised(name: str) -> None:
    """Also with a name around them, as links, and several in a cell."""
    assert judged(name, MAILS[name]) == "email"


@pytest.mark.parametrize("name", NO_MAILS)
def test_what_has_an_at_sign_is_no_address_yet(name: str) -> None:
    """Handles, message ids, hosts and addresses of staff are left alone."""
    assert judged(name, NO_MAILS[name]) == ""


def test_the_default_country_decides_for_columns_without_a_telling_name() -> None:
    """Numbers dressed as only that country dresses them count with it."""
    cells = ["044 668 18 00", "079 555 01 00"]
    assert like_phones(cells, named=False, country="CH")
    assert not like_phones(["12 34 56 78 90"], named=False, country="CH")


def test_one_country_has_to_explain_all_national_numbers() -> None:
    """Digits that are valid here and there, each in another country, are numbers of something else."""
    assert not like_phones(["06 12 34 56 78", "(415) 555-0100", "612 345 678"], named=False, country="")


def test_a_column_that_repeats_a_used_one_is_no_lookalike() -> None:
    """With and without country code, in capitals, with a spreadsheet's apostrophe."""
    text = "email,phone,Mail again,Phone as typed\nana@example.org,+14155550100,ANA@example.org,'(415) 555-0100\n"
    assert taken(text).lookalikes == {}


def test_a_column_that_fills_the_gaps_of_a_used_one_is_a_lookalike() -> None:
    """What the used column lacks would be lost."""
    text = "email,Rufnummernfeld\nana@example.org,+14155550100\n,+14155550101\n"
    assert taken(text).lookalikes == {"Rufnummernfeld": "phone"}


def test_an_ignored_column_is_not_judged() -> None:
    """Whoever tells to ignore a column has answered the question."""
    reader = open_drop(BytesSource(b"email,Contact\nx@example.net,ana@example.org\n"))
    mapped = map_columns(TABLE, reader.header, RAW)
    assert take_sample(reader, mapped, RAW, TABLE, Context(), ignored=[1]).lookalikes == {}
    assert take_sample(reader, mapped, RAW, TABLE, Context()).lookalikes == {"Contact": "email"}


def test_a_column_that_few_rows_fill_is_none() -> None:
    """A remark now and then is no column of addresses."""
    rows = [f"x{place}@example.net,{'ana@example.org' if place == 7 else ''}" for place in range(100)]
    assert taken("\n".join(["email,Remark", *rows])).lookalikes == {}


def test_a_column_without_a_showable_name_is_named_by_its_number() -> None:
    """What may be somebody's data is never shown."""
    found = taken("email,Contact 2024\nx@example.net,ana@example.org\n").lookalikes
    assert found == {"column 2": "email"}


def test_a_hashed_drop_is_judged_by_names_and_digests() -> None:
    """A digest's shape says nothing of what was hashed; its column's name does, where nothing used is that."""
    digest = "ab" * 32
    text = f"email,Rufnummernfeld,Anmerkung\n{digest},{digest},{digest}\n"
    assert taken(text, hashed=True).lookalikes == {"Rufnummernfeld": "phone"}
    text = f"phone,Rufnummernfeld,Anmerkung\n{digest},{digest},{digest}\n"
    assert taken(text, hashed=True).lookalikes == {}
    text = f"phone,Zweitmailbox,Anmerkung\n{digest},{digest},{digest}\n"
    assert taken(text, hashed=True).lookalikes == {"Zweitmailbox": "email"}


def test_weak_columns_are_names_and_places() -> None:
    """An e-mail address, a number, a device or an id matches by itself; a name does not."""
    assert taken("first_name,last_name,zip\nAna,Ruiz,94046\n").weak
    assert not taken("first_name,phone\nAna,+14155550100\n").weak
    assert not taken("first_name,customer_id\nAna,7\n").weak


@pytest.mark.parametrize(
    ("cell", "carried"),
    [
        ("+49 171 5550100", True),
        ("(+49) 171 5550100", True),
        ("0049 171 5550100", True),
        ("14155550100", True),
        ("14155550100.0", True),
        ("(415) 555-0100", False),
        ("4155550100", False),
        ("0171 5550100", False),
    ],
)
def test_a_country_code_is_seen(cell: str, carried: bool) -> None:
    """By a plus, by 00, or by more digits than a national number has."""
    assert has_country_code(cell) is carried


def test_a_country_beside_the_number_says_its_country() -> None:
    """Rows with a filled country column are not among those without a country code."""
    text = "email,phone,country\na@example.org,4155550100,US\nb@example.org,4155550101,\n"
    assert (taken(text).phones, taken(text).bare) == (2, 1)
    assert taken(text, country="US").bare == 0


def test_people_are_counted_by_what_matches() -> None:
    """Rows of one address are one person; rows without any identifier are none."""
    text = "email,phone,first_name\nA@example.org,,A\na@example.org ,,B\n,+14155550100,C\n,,D\n"
    assert (taken(text).rows, taken(text).named, taken(text).people) == (4, 3, 2)


def test_a_file_that_cannot_be_read_is_no_matter_of_the_sample() -> None:
    """Its reading says what is wrong; the columns are judged all the same."""
    found = taken('first_name,last_name,zip\n"Ana,Ruiz,94046\n')
    assert (found.rows, found.weak) == (0, True)
