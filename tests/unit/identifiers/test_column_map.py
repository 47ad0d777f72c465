"""What people say of columns: read, checked as a whole, and carried beside a file."""

from __future__ import annotations

import pytest
from activation.errors import Rejected
from activation.identifiers.column_map import from_metadata, parse, shown_entries, to_metadata, told_of, without
from activation.identifiers.table import Field

from lambdas.meta.fields import TABLE

HEADER = ["E-MAIL-ADRESSE", "Anrede", "Land", "Kürzel", "Wert", "Wert"]


def keys(fields: tuple[Field, ...]) -> list[str]:
    """Return the wire keys of fields."""
    return [one.key for one in fields]


def test_entries_name_columns_and_fields_as_people_do() -> None:
    """Columns by name, folded, or by number; fields by key, meaning or a usual name; a date of birth is three."""
    told = told_of(
        TABLE, HEADER, parse(["e-mail adresse=email", "Anrede=GEN", "column 4=birthday", "Wert=ignore"])
    )
    assert {index: keys(fields) for index, fields in told.fields.items()} == {
        0: ["EMAIL"],
        1: ["GEN"],
        3: ["DOBY", "DOBM", "DOBD"],
    }
    assert told.ignored == {4, 5}


@pytest.mark.parametrize(("entry", "constant"), [("country=US", "US"), ("country=FI", "FI"), ("state=CT", "CT")])
def test_a_value_for_every_row_is_a_constant(entry: str, constant: str) -> None:
    """Codes that are also short names of columns mean the country or state."""
    told = told_of(TABLE, ["email"], parse([entry]))
    assert list(told.constants.values()) == [constant]


def test_all_mistakes_come_at_once() -> None:
    """An unknown field, a column that is not there, two meanings, a list and a constant that is nobody's."""
    entries = ["Anrede=shoe", "Spalte=email", "Land=country", "LAND=city", "tags=email", "phone=+14155550100",
               "gender=robot"]  # fmt: skip
    with pytest.raises(Rejected) as caught:
        told_of(TABLE, HEADER, parse(entries), nested=["tags"])
    assert caught.value.code == "bad_columns"
    sentences = caught.value.sentence.split("; ")
    assert len(sentences) == 6
    for part in ("no field of meta", "no header", "two meanings", "lists", "one person", "neither"):
        assert sum(part.replace("no header", "is called 'Spalte'") in one for one in sentences) == 1, part


@pytest.mark.parametrize("text", ["email", "=email", "column="])
def test_what_is_no_entry_is_refused(text: str) -> None:
    """Both sides of the sign are needed."""
    with pytest.raises(Rejected, match="COLUMN=FIELD"):
        parse([text, "a=email"])


def test_entries_travel_as_ascii() -> None:
    """S3 keeps ASCII alone beside an object; what was said and the order of dates come back as they were."""
    entries = parse(["Prénom=first_name", "電話=phone", "a=b=email", "country=US"])
    metadata = to_metadata(entries, "dmy", "Europe/Berlin")
    assert all(value.isascii() for value in metadata.values())
    assert from_metadata(metadata) == (entries, "dmy", "Europe/Berlin")
    assert from_metadata({}) == ((), "", "")
    assert from_metadata({"columns": "2", "source": "ci360"}) == ((), "", "")  # as a file of SAS CI360 has it
    assert to_metadata(()) == {}
    with pytest.raises(Rejected, match="settings"):
        to_metadata(tuple((f"a column of a long name {n}", "email") for n in range(100)))


@pytest.mark.parametrize(
    "metadata",
    [{"column-map": "no sign"}, {"column-map": "a=%ff"}, {"date-order": "ydm"}, {"time-zone": "Europe/Bonn"}],
)
def test_other_metadata_is_refused(metadata: dict[str, str]) -> None:
    """Anybody may write an object's metadata."""
    with pytest.raises(Rejected, match="bad_columns"):
        from_metadata(metadata)


def test_a_drops_own_entries_win() -> None:
    """What is said of a file goes before what is said of all of the connector's."""
    settings = (("E-Mail", "phone"), ("Ort", "city"))
    assert without(settings, parse(["e mail=email"])) == (("Ort", "city"),)


def test_a_connectors_files_need_not_have_all_the_columns_it_maps() -> None:
    """One connector sends several exports; what is said of one file alone has to be in it."""
    settings = (("Spalte", "email"), ("Land", "country"))
    told = told_of(TABLE, HEADER, (), settings=settings)
    assert [one.key for (one,) in told.fields.values()] == ["COUNTRY"]
    with pytest.raises(Rejected, match="called 'Spalte'"):
        told_of(TABLE, HEADER, (("Spalte", "email"),), settings=settings)


@pytest.mark.parametrize("entry", ["Vorname=first_name", "Ort=city", "E-Mail=email", "country=Land"])
def test_a_column_that_is_not_there_is_no_value(entry: str) -> None:
    """A file without the column has blanks there, and never the name of the field as everybody's first name."""
    own = parse([entry])
    told = told_of(TABLE, ["Mail", "Telefon"], (), settings=own)
    assert not told.fields
    assert not told.constants
    with pytest.raises(Rejected, match="no column of the header is called"):
        told_of(TABLE, ["Mail", "Telefon"], own)


@pytest.mark.parametrize(
    "entry",
    ["ada@example.com=email", "email=ada@example.com", "column 1=ada@example.com", "gender=+1 415 555 0100"],
)
def test_no_persons_data_gets_from_an_entry_into_an_error(entry: str) -> None:
    """Anybody may write an object's metadata, and its errors are in receipts and logs."""
    left, _, right = entry.partition("=")
    with pytest.raises(Rejected) as caught:
        told_of(TABLE, ["Mail"], ((left, right),))
    assert "ada" not in caught.value.sentence
    assert "555" not in caught.value.sentence
    with pytest.raises(Rejected) as caught:
        parse(["ada@example.com"])
    assert caught.value.sentence == "entry 1 is not COLUMN=FIELD"


def test_entries_are_shown_as_columns_names_are() -> None:
    """A receipt names what was in force, and hides whatever may be somebody's data."""
    own = (("ada@example.com", "ignore"), ("city", "+1 415 555 0100"), ("Ort", "city"))
    assert shown_entries((("ORT", "zip"), ("Land", "country")), own) == {
        "Land": "country",
        "entry 2": "ignore",
        "city": "a value",
        "Ort": "city",
    }


@pytest.mark.parametrize(
    ("entry", "key"), [("Region=ST", "ST"), ("State=st", "ST"), ("Bundesland=ST", "ST"), ("Region=CT", "CT")]
)
def test_a_wire_key_is_no_state_of_everybody(entry: str, key: str) -> None:
    """A column is mapped by a key that a state's code could look like; a file without it has no such value."""
    own = parse([entry])
    told = told_of(TABLE, ["Mail", own[0][0]], own)
    assert {index: keys(fields) for index, fields in told.fields.items()} == {1: [key]}
    assert not told.constants
    assert not told_of(TABLE, ["Mail"], (), settings=own).constants


def test_a_code_that_is_a_field_as_well_is_asked_for_where_the_column_is_there() -> None:
    """Connecticut for the rows without a state, or the column's cities: nothing says which."""
    with pytest.raises(Rejected, match="say city for the field"):
        told_of(TABLE, ["Mail", "State"], parse(["State=CT"]))
    assert keys(told_of(TABLE, ["Mail", "State"], parse(["State=city"])).fields[1]) == ["CT"]
    assert told_of(TABLE, ["Mail", "Country"], parse(["Country=FI"])).constants == {"COUNTRY": "FI"}


def test_mistakes_without_end_make_no_sentence_without_end() -> None:
    """Two kilobytes of metadata hold hundreds of entries, and the sentence has to fit into an event."""
    with pytest.raises(Rejected) as caught:
        told_of(TABLE, HEADER, tuple((f"c{n}", "f") for n in range(400)))
    assert caught.value.sentence.endswith("and 380 more mistakes")
    assert len(caught.value.sentence) < 10_000


@pytest.mark.parametrize("left", ["###", "", " "])
def test_a_name_without_letters_is_no_other_such_name(left: str) -> None:
    """Columns called by signs are those signs, and what has no name is told by its number."""
    with pytest.raises(Rejected, match="no column of the header"):
        told_of(TABLE, ["***", ""], ((left, "email"),))
    assert told_of(TABLE, ["***", ""], (("***", "email"), ("column 2", "phone"))).fields.keys() == {0, 1}
    assert without((("###", "email"),), (("***", "email"),)) == (("###", "email"),)


def test_two_columns_cannot_be_one_id() -> None:
    """A person has one; of two columns that a connector's settings name, a file may have one alone."""
    header = ["email", "Kundennummer", "Vertrag"]
    entries = parse(["Kundennummer=customer_id", "Vertrag=customer_id"])
    for own, settings in ((entries, ()), (entries[1:], entries[:1]), ((), entries)):
        with pytest.raises(Rejected, match="'Kundennummer' and 'Vertrag' are said to be EXTERN_ID") as caught:
            told_of(TABLE, header, own, settings=settings)
        assert caught.value.code == "bad_columns"
    assert told_of(TABLE, header[:2], (), settings=entries).fields.keys() == {1}
    assert told_of(TABLE, header, parse(["Vertrag=customer_id", "Kundennummer=ignore"])).fields.keys() == {2}
    mails = parse(["Kundennummer=email", "Vertrag=email"])
    assert told_of(TABLE, header, mails).fields.keys() == {1, 2}
