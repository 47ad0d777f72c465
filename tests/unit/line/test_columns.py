"""The columns of a file against a platform's fields."""

from __future__ import annotations

import unicodedata

import pytest
from activation.drops.columns import map_columns
from activation.errors import Rejected
from activation.model import HASHED, RAW, Kind

from lambdas.meta.fields import TABLE as META
from tests.unit.line.tiny_publisher import TABLE


def test_columns_are_matched_by_key_and_synonym_and_come_in_wire_order() -> None:
    """Case, spaces and hyphens in a header do not matter; the fields stand as the table has them."""
    mapped = map_columns(TABLE, ["Customer ID", "shoe size", "E-Mail"], RAW)
    assert [(index, field.key) for index, field in mapped.fields] == [(2, "EMAIL"), (0, "ID")]
    assert mapped.used == {"E-Mail": "EMAIL", "Customer ID": "ID"}
    assert mapped.ignored == ["shoe size"]


@pytest.mark.parametrize("header", [["shoe size"], ["customer_id"], [""]])
def test_a_file_without_a_column_that_names_a_person_is_refused(header: list[str]) -> None:
    """An ID of the customer's own names nobody to this platform."""
    with pytest.raises(Rejected, match="EMAIL, SPARE") as error:
        map_columns(TABLE, header, HASHED)
    assert error.value.code == "no_usable_column"


@pytest.mark.parametrize(
    "name",
    [
        "person@example.com",
        "+49 170 1234567",
        "0" * 64,
        "é" * 65,
        "x" * 65,
        "=cmd()",
        "",
        "Jan 1980",
        "a\x1b[2J",
        "電話 \u0660\u0661\u0662\u0663",
    ],
)
def test_a_name_that_may_be_somebodys_data_is_shown_as_a_number(name: str) -> None:
    """A file without a header has a person in its first line."""
    assert map_columns(TABLE, ["email", name], RAW).ignored == ["column 2"]


@pytest.mark.parametrize(
    "name",
    [
        "Größe",
        "Téléphone fixe",
        "País",
        "電話番号\uff08自宅\uff09",
        "Cafe\u0301",
        "जन्म तिथि",
        "Nr. 1 - Wert",
        "N\u00b0 de client\u00e8le",
    ],
)
def test_a_name_is_shown_in_its_own_letters(name: str) -> None:
    """Whoever reads which columns were not used finds them by the names the file gives them."""
    assert map_columns(TABLE, ["email", name], RAW).ignored == [unicodedata.normalize("NFC", name)]


def test_a_single_column_is_its_identifier() -> None:
    """The key says what it is, whatever stands above it."""
    mapped = map_columns(TABLE, ["anything"], Kind("email_sha256", hashed=True, single="EMAIL"))
    assert [(index, field.key) for index, field in mapped.fields] == [(0, "EMAIL")]
    assert (mapped.used, mapped.ignored) == ({"column 1": "EMAIL"}, ())


def test_several_columns_of_a_field_are_all_used() -> None:
    """Each is named with the field, repeated names with their number, and none is unused."""
    mapped = map_columns(TABLE, ["email", "e-mail", "Email"], RAW)
    assert [(index, field.key) for index, field in mapped.fields] == [(0, "EMAIL")]
    assert [index for index, _ in mapped.columns] == [0, 1, 2]
    assert mapped.used == {"email": "EMAIL", "e-mail": "EMAIL", "Email": "EMAIL"}
    assert mapped.ignored == []
    assert map_columns(TABLE, ["email", "email"], RAW).used == {"email": "EMAIL", "email (2)": "EMAIL"}


@pytest.mark.parametrize("header", [["email", "fn", "ln", "FN"], ["email", "user id", "user id"]])
def test_two_columns_of_one_name_that_are_not_one_persons_are_refused_by_number(header: list[str]) -> None:
    """Two first names, or two ids, may be of two people or two systems, and nothing says which is whose."""
    with pytest.raises(Rejected, match="duplicate_header"):
        map_columns(META, header, RAW)


def test_a_hashed_drop_reads_the_columns_whose_names_say_so() -> None:
    """The plain column beside it is not looked at, so that nobody's address stops the drop."""
    for header in (["email", "email_sha256"], ["email_sha256", "email"]):
        mapped = map_columns(META, header, HASHED)
        assert [header[index] for index, _ in mapped.columns] == ["email_sha256"]
        assert mapped.ignored == ["email"]
    assert map_columns(META, ["email"], HASHED).ignored == []


def test_a_refusal_proposes_the_columns_that_may_be_meant() -> None:
    """What could be used but is not is ready to be pasted; nothing is taken from it unasked."""
    with pytest.raises(Rejected, match="no_usable_column") as error:
        map_columns(META, ["id", "Parent Email", "first_name"], RAW)
    assert error.value.sentence.endswith('if these are meant, say so: --map "id=customer_id"')
    assert "another person's than the row's is not used: Parent Email;" in error.value.sentence


def test_a_refusal_names_the_fields_that_name_a_person_together() -> None:
    """A name with an address does as well as an e-mail address, where the platform says so."""
    with pytest.raises(Rejected) as error:
        map_columns(META, ["first_name"], RAW)
    together = "FN, LN and ZIP, or of FN, LN and CT, or of FN, LN, DOBY, DOBM and DOBD"
    says = f"is one of EMAIL, PHONE, MADID, EXTERN_ID, nor are there columns for all of {together};"
    assert says in error.value.sentence
    with pytest.raises(Rejected) as error:
        map_columns(TABLE, ["shoe size"], RAW)
    assert "nor are there" not in error.value.sentence


def test_a_refusal_proposes_nothing_that_leaves_the_file_unusable() -> None:
    """A city alone names nobody, whatever column is said to be one."""
    with pytest.raises(Rejected, match="no_usable_column") as error:
        map_columns(META, ["id", "Ort", "Land"], RAW)
    assert error.value.sentence.endswith('say so: --map "id=customer_id"')


def test_two_others_without_a_person_of_the_rows_own_are_never_mixed() -> None:
    """A file of couples is refused, and no text to paste names either."""
    header = [f"{who} {what}" for who in ("Husband", "Wife") for what in ("First Name", "Last Name", "Email")]
    with pytest.raises(Rejected, match="no_usable_column") as error:
        map_columns(META, header, RAW)
    assert "--map" not in error.value.sentence
    assert "map that person's columns and no others" in error.value.sentence


def test_another_persons_columns_are_named_apart_from_what_to_paste() -> None:
    """They are not used, and a plan says whose they seem to be."""
    mapped = map_columns(META, ["email", "first_name", "Guest Email", "Land"], RAW)
    assert (mapped.proposed, mapped.others) == ({"Land": "country"}, {"Guest Email": "email"})
    assert mapped.others_at == {2}
