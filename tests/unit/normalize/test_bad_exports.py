"""Exports that cannot be read: refused before anything is visible, or counted row by row."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from activation.errors import Rejected

from glue_scripts.normalize.errors import BadMapping
from tests.unit.normalize.exports import (
    dropped,
    person,
    run,
    run_rows,
    write_csv,
)


def bad_text(folder: Path) -> None:
    """Write a file in another encoding than it seems."""
    (folder / "a.csv").write_bytes("email,first_name\na@example.com,José\n".encode("latin-1"))


def drifted(folder: Path) -> None:
    """Write two files of which the second lacks a column."""
    write_csv(folder / "a.csv", [("a@example.com", "Ann")], ("email", "first_name"))
    write_csv(folder / "b.csv", [("b@example.com",)], ("email",))


def headers_alone(folder: Path) -> None:
    """Write a file without a row."""
    write_csv(folder / "a.csv", [], ("email",))


def half_written(folder: Path) -> None:
    """Leave what a Spark job leaves that has not ended."""
    write_csv(folder / "part-0.csv", [("a@example.com",)], ("email",))
    (folder / "_temporary" / "0").mkdir(parents=True)
    (folder / "_temporary" / "0" / "part-1.csv").write_text("email\n")


def lacking(folder: Path) -> None:
    """Write a manifest that names a file which is not there."""
    write_csv(folder / "a.csv", [("a@example.com",)], ("email",))
    entries = [{"url": "s3://b/x/a.csv"}, {"url": "s3://b/x/gone.csv"}]
    (folder / "manifest").write_text(json.dumps({"entries": entries}))


def cut_off(folder: Path) -> None:
    """Write a gzip file of which the end is missing."""
    rows = "email\n" + "".join(f"person{number}@example.com\n" for number in range(5_000))
    (folder / "a.csv.gz").write_bytes(gzip.compress(rows.encode())[:-500])


def unsigned(folder: Path) -> None:
    """Write a folder without a sign."""
    write_csv(folder / "a.csv", [("a@example.com",)], ("email",))


@pytest.mark.parametrize(
    ("make", "given", "code"),
    [
        (bad_text, {}, "not_utf8"),
        (drifted, {}, "headers_differ"),
        (headers_alone, {}, "empty_export"),
        (lambda folder: None, {}, "empty_export"),
        (half_written, {}, "export_incomplete"),
        (lacking, {}, "export_incomplete"),
        (unsigned, {"complete": "sign"}, "export_incomplete"),
        (cut_off, {}, "truncated_gzip"),
        (unsigned, {"format": "parquet"}, "input_format_differs"),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_a_bad_export_is_refused_before_anything_is_visible(
    tmp_path: Path, make: Any, given: dict[str, str], code: str
) -> None:
    """The run fails with the code, and the output has neither the folder nor anything beside it."""
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    output.mkdir()
    make(source)
    with pytest.raises(Rejected) as refused:
        run(tmp_path, source, input=given)
    assert refused.value.code == code
    assert [path for path in output.rglob("*") if path.is_file()] == []


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    """A ragged row and one that is not UTF-8 are rejects with their numbers; the others are written."""
    good = b"".join(b"p%d@example.com,J\xc3\xb6rg\n" % number for number in range(5))
    (tmp_path / "a.csv").write_bytes(b"email,first_name\n" + good + b"x@example.com,\xff\ny,z,surplus\n")
    report = run(tmp_path, tmp_path / "a.csv")
    assert report.document["rows"] == {
        "read": 7,
        "rejected": {"not_utf8": 1, "ragged_row": 1},
        "filtered": [],
        "duplicates": 0,
        "written": 5,
    }
    rejects = dropped(report, tmp_path / "out").rejects
    assert rejects == [("6", "", "not_utf8", "a.csv", "6"), ("7", "", "ragged_row", "a.csv", "7")]


def test_every_missing_column_is_named_at_once(tmp_path: Path) -> None:
    """A mapping that does not fit the header is refused with all that is missing."""
    with pytest.raises(BadMapping) as refused:
        run_rows(
            tmp_path,
            [person()],
            filters=[{"column": "state", "in": ["CA"]}],
            derived={"y": {"year_of": "born"}},
            group_by=["household"],
            aggregates={"spend": {"sum": "total"}},
        )
    assert [one.partition(":")[0] for one in refused.value.mistakes] == [
        "derived.y",
        "filters[0]",
        "group_by",
        "aggregates.spend",
    ]


def test_a_folder_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    """A second run into the same folder is refused, and the first one's files stay as they are."""
    report = run_rows(tmp_path, [person()])
    before = {
        path: path.read_bytes() for path in dropped(report, tmp_path / "out").folder.rglob("*") if path.is_file()
    }
    with pytest.raises(Rejected) as refused:
        run(tmp_path, tmp_path / "people.csv")
    assert refused.value.code == "output_exists"
    assert {path: path.read_bytes() for path in before} == before


def test_rejects_hold_no_value(tmp_path: Path) -> None:
    """No cell of the export is in the rejects, the report or the manifest."""
    planted = person(customer="2", email="planted-mail", phone="planted-phone", amount="planted")
    rows = [planted, *[person()] * 10]
    report = run_rows(
        tmp_path,
        rows,
        group_by=["customer"],
        aggregates={"email": {"first": "email"}, "spend": {"sum": "amount"}},
    )
    folder = dropped(report, tmp_path / "out").folder
    texts = [path.read_text() for path in folder.rglob("*") if path.suffix in (".json", ".csv")]
    assert len(texts) == 3
    assert not any("planted" in text for text in texts)


@pytest.mark.parametrize(
    ("make", "given", "says"),
    [
        (bad_text, {}, "set the mapping's input.encoding"),
        (bad_text, {"encoding": "shift_jis"}, "the encoding that the mapping's input.encoding declares"),
        (drifted, {}, "or normalise b.csv by itself"),
    ],
    ids=["not_utf8", "not_in_encoding", "headers_differ"],
)
def test_a_refusal_says_what_to_write_in_the_mapping(
    tmp_path: Path, make: Any, given: dict[str, str], says: str
) -> None:
    """Nothing was to be sent, and no connector has a part in it."""
    source = tmp_path / "in"
    source.mkdir()
    make(source)
    with pytest.raises(Rejected) as refused:
        run(tmp_path, source, input=given)
    assert says in refused.value.sentence
    assert not any(word in refused.value.sentence for word in ("connector", "sent", "drop "))


@pytest.mark.parametrize("encoding", ["utf-16", "UTF_16LE"])
def test_utf_16_need_not_be_said(tmp_path: Path, encoding: str) -> None:
    """Who names it is told to leave it out."""
    with pytest.raises(BadMapping) as refused:
        run_rows(tmp_path, [person()], input={"encoding": encoding})
    assert "leave input.encoding out" in refused.value.mistakes[0]


@pytest.mark.parametrize(
    "grouped",
    [{}, {"group_by": ["customer"], "aggregates": {"mail": {"last": "contact"}}}],
    ids=["rows", "groups"],
)
def test_cells_that_c3r_has_encrypted_are_refused(tmp_path: Path, grouped: dict[str, Any]) -> None:
    """A query of Clean Rooms may name such a column as it likes: its cells tell, before anything is written."""
    sealed = [f"01:hmac:{base64.b64encode(bytes([number] * 32)).decode()}" for number in range(3)]
    rows = [(f"c{number}", cell) for number, cell in enumerate(sealed)]
    write_csv(tmp_path / "a.csv", rows, ("customer", "contact"))
    columns = {"mail" if grouped else "contact": "email", "customer": "ignore"}
    with pytest.raises(Rejected) as refused:
        run(tmp_path, tmp_path / "a.csv", columns=columns, **grouped)
    assert refused.value.code == "c3r_encrypted"
    assert sealed[0] not in refused.value.sentence
    assert not list((tmp_path / "out").rglob("*"))


def test_one_file_is_read_whatever_lies_beside_it(tmp_path: Path) -> None:
    """An unfinished job in another folder below the file's own says nothing of the file."""
    (tmp_path / "other" / "_temporary").mkdir(parents=True)
    assert run_rows(tmp_path, [person()]).document["rows"]["written"] == 1
