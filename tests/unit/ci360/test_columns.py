"""The metadata file in both its forms."""

from __future__ import annotations

import csv
import json

import pytest
from activation.errors import Rejected

from lambdas.ci360.columns import header_line, read_columns


def listed(*names: str) -> bytes:
    """Write the newer form."""
    return json.dumps([{"columnName": name, "dataType": "character"} for name in names]).encode()


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (listed("identity_id", "email"), ("identity_id", "email")),
        (b"\xef\xbb\xbf " + listed("identity_id"), ("identity_id",)),
        (b"identity_id,gender,age", ("identity_id", "gender", "age")),
        (b"\xef\xbb\xbfidentity_id,gender\r\n", ("identity_id", "gender")),
        (b'identity_id,"name, full"', ("identity_id", "name, full")),
        (b"identity_id", ("identity_id",)),
    ],
)
def test_both_forms_give_the_names_in_order(content: bytes, names: tuple[str, ...]) -> None:
    """A JSON array or a header line, with or without a mark in front."""
    assert read_columns(content) == names


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "metadata_empty"),
        (b" \n", "metadata_empty"),
        (b"[]", "metadata_empty"),
        (b"[" * 100_000, "metadata_not_json"),
        (b'[{"columnName":"a"}', "metadata_not_json"),
        (b'{"columnName":"a"}', "metadata_not_array"),
        (b'["a","b"]', "metadata_no_name"),
        (b'[{"columnName":5}]', "metadata_no_name"),
        (listed("a", "b", "A "), "metadata_duplicate_column"),
        (b"a,a", "metadata_duplicate_column"),
        (listed("a", " "), "metadata_bad_name"),
        (listed("a\nb"), "metadata_bad_name"),
        (listed("a" * 300), "metadata_bad_name"),
        (listed(*(f"c{n}" for n in range(2001))), "metadata_many_columns"),
        (b"a,b\nc,d", "metadata_not_one_line"),
        (b'a,"b', "metadata_not_csv"),
        ("gr\u00f6\u00dfe".encode("latin-1"), "metadata_not_utf8"),
    ],
)
def test_what_is_no_list_of_columns_is_refused(content: bytes, code: str) -> None:
    """Each mistake has a code, and none quotes a name."""
    with pytest.raises(Rejected) as refused:
        read_columns(content)
    assert refused.value.code == code


def test_the_header_is_csv_like_the_rest() -> None:
    """Names with commas, quotes and letters beyond ASCII read back as they were."""
    names = ("identity_id", "name, full", 'the "best"', "gr\u00f6\u00dfe")
    line = header_line(names, "\r\n").decode()
    assert line.endswith("\r\n")
    assert tuple(next(csv.reader([line]))) == names
