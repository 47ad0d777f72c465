"""The columnar and the scalar form of every rule of every platform, on arbitrary text."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import pyarrow as pa
import pytest
from activation.codes import find
from activation.identifiers.codes import Code
from activation.identifiers.identify import Column, identify, identify_value
from activation.identifiers.rules import PerValue
from activation.identifiers.table import Context, Digest, Field
from activation.identifiers.text import BLANK_WORDS
from hypothesis import given, settings
from hypothesis import strategies as st

PLATFORMS = ("meta", "meta_conversions", "tiktok", "snapchat", "amazon_ads", "google")
# One field of each rule and digest: fields that share both behave the same. The names say the rule.
FIELDS = list(
    {
        (field.rule.name, field.digest): (platform, field)
        for platform in PLATFORMS
        for field in import_module(f"lambdas.{platform}.fields").TABLE.fields
    }.values()
)
# Rules with kernels of their own, and three that run once per distinct value.
BY_VALUE = [(platform, field) for platform, field in FIELDS if type(field.rule) is PerValue]
COLUMNAR = [pair for pair in FIELDS if pair not in BY_VALUE] + BY_VALUE[:3]
# All but street addresses: joined, their words are gone, and what they spell together may be another word.
STABLE = [(platform, field) for platform, field in FIELDS if field.key != "ad"]
CONTEXTS = [
    Context(country, frozenset(("test@test.com", "15550000000")))
    for country in ("", "US", "GB", "DE", "IT", "FR", "JP", "BR", "ES", "AU")
]

# Texts near what cells hold: pieces of every kind of value, glued together, besides text of any kind.
PIECES = st.sampled_from(
    [
        *(
            "+",
            "00",
            "0",
            "(0)",
            "1",
            "39",
            "44",
            "49",
            "4155552671",
            "7911123456",
            "650",
            "555",
            " ",
            "-",
            "(",
            ")",
            ".",
        ),
        *(
            " ext. 5",
            "x12",
            "tel:",
            "mobile ",
            "E+10",
            ".0",
            "/",
            ",",
            ";",
            "\u202a",
            "\u00a0",
            "\u200b",
            "\0",
            "\t",
        ),
        *(
            "Jane",
            "O'Brien",
            "Ανδρέας",
            "ΣΑΣ",
            "İ",
            "ß",
            "é",
            "e\u0301",
            "李",
            "Мария",
            "von ",
            "Mrs. ",
            " Jr.",
            "ﬁ",
        ),
        *("jane.doe", "+tag", "@", "gmail.com", "Example.COM", "test@test.com", "example", ".com", "..", "_"),
        *("1985-12-25", "25/12/1985", "05/01/1990", "1990", "12", "October", "19851225", "T00:00:00Z"),
        *("US", "usa", "Germany", "US-CA", "California", "québec", "12345-6789", "SW1A 1AA", "female", "M"),
        *("nan", "NULL", "n/a", "None", "0", "#N/A", "-5", "12.50", "1e3"),
        *("38400000-8cf0-11bd-b23e-10b96e40000d", "00000000-0000-0000-0000-000000000000"),
        *("a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3", "E3B0C44298FC1C149AFBF4C8996FB924"),
        *("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "d41d8cd98f00b204e9800998ecf8427e"),
        *("MÃ¼ller", "Ã", "©", "ÃŸ", "Ãƒ"),
        *("&eacute;", "&amp;", "&#039;", "&lt;", "='", '="', "'", "<", ">", "mailto:", "docomo.ne.jp", "(Ana)"),
        *("2139", "21394307", "77304 CEDEX", "30APR71", "mai", "+7 8 912", "p:", "52 1 ", "Herr", "日本", "(DE)"),
        *("1hFzBkhe0OUK+rOshx6Y+BaZFR8wKBUn1j/18jNlbGk=", '"', "'", "x" * 300, "9" * 40),
    ]
)
DIGITS = st.text("0123456789+ ()-", min_size=5, max_size=22)
CELLS = st.one_of(
    st.lists(PIECES, max_size=5).map("".join),
    st.text(max_size=30),
    st.text("abcdefgABCDEFG.@+-_ 0123456789", max_size=40),
    DIGITS,
    st.from_regex(r"\A[a-z0-9.+]{1,12}@(gmail|googlemail|example|a-b)\.(com|co\.uk)\Z"),
    st.from_regex(r"\A[0-9a-fA-F]{64}\Z"),
    st.text("0123456789- .eaE+", max_size=11),
)
ROWS = st.lists(st.one_of(st.none(), CELLS), max_size=12)


def scalar(field: Field, texts: list[str | None], context: Context, *, hashed: bool) -> Column:
    """Return the oracle's answer: cell by cell."""
    cells = [None if text is None else identify_value(field, text, context, hashed=hashed) for text in texts]
    return Column(
        pa.array([cell.sent if cell else None for cell in cells], pa.string()),
        pa.array([cell.code if cell else None for cell in cells], pa.string()),
    )


def same(column: Column, expected: Column) -> bool:
    """Compare two columns, nulls included."""
    return bool(column.sent.equals(expected.sent) and column.code.equals(expected.code))


@pytest.mark.parametrize(("platform", "field"), COLUMNAR, ids=[f"{p}-{f.key}" for p, f in COLUMNAR])
@settings(max_examples=30, deadline=None)
@given(rows=ROWS, context=st.sampled_from(CONTEXTS), hashed=st.booleans(), cut=st.integers(0, 12))
def test_columns_agree_with_cells(
    platform: str, field: Field, *, rows: list[str | None], context: Context, hashed: bool, cut: int
) -> None:
    """A column gives what its cells give one by one, sliced, encoded as a dictionary, or neither."""
    expected = scalar(field, rows, context, hashed=hashed)
    values = pa.array(rows, pa.string())
    assert same(identify(field, values, context, hashed=hashed), expected)
    assert same(identify(field, values.dictionary_encode(), context, hashed=hashed), expected)
    part = identify(field, values.slice(cut), context, hashed=hashed)
    assert same(part, Column(expected.sent.slice(cut), expected.code.slice(cut)))
    many = pa.array([text for text in rows if text is not None] * 4, pa.string()).slice(1)
    repeated = identify(field, many, context, hashed=hashed)
    once = scalar(field, [text for text in rows if text is not None], context, hashed=hashed)
    if len(once.sent):
        assert same(
            Column(
                repeated.sent.slice(len(once.sent) - 1, len(once.sent)),
                repeated.code.slice(len(once.sent) - 1, len(once.sent)),
            ),
            once,
        )


@pytest.mark.parametrize(("platform", "field"), FIELDS, ids=[f"{p}-{f.key}" for p, f in FIELDS])
@settings(max_examples=15, deadline=None)
@given(text=CELLS, hashed=st.booleans(), context=st.sampled_from(CONTEXTS))
def test_a_cell_is_sent_or_has_a_known_code_or_is_blank(
    platform: str, field: Field, *, text: str, hashed: bool, context: Context
) -> None:
    """Nothing is both sent and refused, and every code has a sentence."""
    cell = identify_value(field, text, context, hashed=hashed)
    if cell.sent is None:
        assert cell.normalized is None
        assert (cell.code and find(cell.code)) or (
            cell.code is None and not identify_value(field, text.strip(), context, hashed=False).sent
        )
    else:
        assert cell.code is None


@pytest.mark.parametrize(("platform", "field"), STABLE, ids=[f"{p}-{f.key}" for p, f in STABLE])
@settings(max_examples=30, deadline=None)
@given(text=CELLS)
def test_normalising_twice_changes_nothing(platform: str, field: Field, text: str) -> None:
    """What a rule gives is normalised already."""
    once, code = field.rule.value(text, Context())
    if once is not None:
        assert code is None
        assert field.rule.value(once, Context()) == (once, None)


@pytest.mark.parametrize(("platform", "field"), FIELDS, ids=[f"{p}-{f.key}" for p, f in FIELDS])
@settings(max_examples=5, deadline=None)
@given(text=st.text(st.characters(codec=None), max_size=20), surrogate=st.characters(categories=["Cs"]))
def test_half_a_character_is_refused(platform: str, field: Field, text: str, surrogate: str) -> None:
    """A lone surrogate has no UTF-8 and therefore no digest: a code, not an exception."""
    cell = identify_value(field, f"a{text}{surrogate}b", Context(), hashed=False)
    assert cell.code == Code.BAD_UNICODE


@pytest.mark.parametrize(("platform", "field"), FIELDS, ids=[f"{p}-{f.key}" for p, f in FIELDS])
@pytest.mark.parametrize("lost", ["\ufffd", "\u00ef\u00bf\u00bd"], ids=["sign", "sign read as Latin-1"])
def test_what_a_conversion_has_lost_is_refused(platform: str, field: Field, lost: str) -> None:
    """A cell with the sign for an unreadable letter is left out, alone and in a column, in every field."""
    damaged = [
        f"M{lost}ller",
        f"{lost}",
        f"m{lost}ller@example.org",
        f"Hauptstra{lost}e 1",
        f"+49 171 123456{lost}",
    ]
    column = identify(field, pa.array([*damaged, "n/a"]), Context(), hashed=False)
    assert column.code.to_pylist() == [Code.DAMAGED_TEXT] * len(damaged) + [Code.BLANK_WORD]
    assert column.sent.null_count == len(column.sent)
    cells = [identify_value(field, text, Context(), hashed=False) for text in damaged]
    assert [cell.code for cell in cells] == [Code.DAMAGED_TEXT] * len(damaged)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("M\u00c3\u00bcller", "müller"),
        ("  Jos\u00c3\u00a9  Ren\u00c3\u00a9e ", "josérenée"),
        ("Gro\u00c3\u0178", "groß"),
        ("\u00c3\u0153nal", "ünal"),
        ("\u00c3\u201erztin", "ärztin"),
        ("JO\u00c3O", "joão"),
        ("IRM\u00c3\u2013S", "irmãs"),
        ("\u00abIRM\u00c3\u00bb", "irmã"),
        ("M\u00c3\u00bcller S\u00e1", "m\u00e3\u00bcllers\u00e1"),
    ],
    ids=map(str, range(9)),
)
def test_a_name_read_in_the_wrong_encoding_is_read_again_where_that_is_certain(written: str, sent: str) -> None:
    """UTF-8 taken for Windows-1252 becomes the name it was; where letters may be meant, they stay."""
    names: Field = import_module("lambdas.meta.fields").TABLE.field("LN")
    plain = replace(names, digest=Digest.PLAIN)
    assert identify_value(plain, written, Context(), hashed=False).sent == sent
    assert identify(plain, pa.array([written, "x"]), Context(), hashed=False).sent.to_pylist() == [sent, "x"]


@pytest.mark.parametrize(("platform", "field"), FIELDS, ids=[f"{p}-{f.key}" for p, f in FIELDS])
def test_words_for_no_value_are_refused_in_columns_too(platform: str, field: Field) -> None:
    """However a program spells "no value", a column leaves it out with the same code as a cell."""
    words = [spelled for word in sorted(BLANK_WORDS) for spelled in (word, word.upper(), f" {word.title()}\t")]
    column = identify(field, pa.array(words), Context(), hashed=False)
    assert column.sent.null_count == len(words)
    assert set(column.code.to_pylist()) == {Code.BLANK_WORD}


@pytest.mark.parametrize(("platform", "field"), FIELDS, ids=[f"{p}-{f.key}" for p, f in FIELDS])
def test_huge_cells_are_refused_at_once(platform: str, field: Field) -> None:
    """A cell of a megabyte is no identifier; it is refused before any rule looks at it."""
    huge = ["x" * 1_000_000, "1" * 1_000_000, " " * 1_000_000, "é" * 600_000, "jane@example.com" + " " * 1_000_000]
    column = identify(field, pa.array(huge), Context(), hashed=False)
    assert column.sent.null_count == len(huge)
    assert set(column.code.to_pylist()) == {Code.TOO_LONG}


def test_kernels_read_each_letter_of_their_alphabets_as_cells_do() -> None:
    """Every letter that names may have, alone, first and behind another, is in a column what it is in a cell."""
    letters = [chr(point) for point in (*range(0x20, 0x530), *range(0x3000, 0x3100))]
    letters += [chr(point) for point in (0x4E00, 0x9FA5, 0x9FA6, 0xAC00, 0xAC01, 0xD7A3, 0x1E9E, 0xFB01, 0x212B)]
    names = [
        text
        for letter in letters
        for text in (letter, f"{letter}a", f"Я{letter}", f"O'{letter}-o", f"中{letter} ")
    ]
    fields = import_module("lambdas.meta.fields").TABLE
    for key in ("LN", "FI", "CT"):
        column = identify(fields.field(key), pa.array(names), Context(), hashed=False)
        assert same(column, scalar(fields.field(key), [*names], Context(), hashed=False))


@pytest.mark.parametrize(
    "name", ["Мария Иванова", "Ανδρέας", "Σοφία", "李明", "ひらがな", "김민준", "José-Luis", "Łódź"]
)
def test_names_of_many_alphabets_are_read_by_the_column(name: str) -> None:
    """None of them is looked at one by one, neither where it is sent nor where a to z are wanted."""
    fields = import_module("lambdas.meta.fields").TABLE
    assert fields.field("LN").rule.clean(pa.array([name]), Context()).null_count == 0
    letters, codes = fields.field("CT").rule.clean_or_refuse(pa.array([name]), Context())
    assert letters.null_count + codes.null_count == 1
