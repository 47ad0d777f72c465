"""Keys that seem to name a person."""

from __future__ import annotations

import pytest
from activation.drops.key_names import CODE, of_keys


@pytest.mark.parametrize(
    ("key", "place", "what", "value"),
    [
        ("meta/VIP/raw/kim@example.com.csv", "file's name", "e-mail", "kim"),
        ("meta/VIP/raw/kim%40example.com.csv", "file's name", "e-mail", "kim"),
        ("meta/kim@example.com/raw/a.csv", "audience's name", "e-mail", "kim"),
        ("meta/VIP/raw/remove/kim@example.com/_SUCCESS", "folder's name", "e-mail", "kim"),
        ("meta/VIP/raw/+1 555 0100 199.csv", "file's name", "telephone", "555"),
        ("meta/VIP/raw/sabine_müller.csv", "file's name", "name", "sabine"),
        ("meta/VIP/raw/Müller, Jürgen.csv", "file's name", "name", "jürgen"),
        ("meta/VIP/raw/remove-JOSE-GARCIA-2026.csv", "file's name", "name", "jose"),
    ],
)
def test_a_key_that_names_somebody_is_warned_about(key: str, place: str, what: str, value: str) -> None:
    """The warning says where and what, and never repeats it."""
    (found,) = of_keys([key])
    assert found.code == CODE
    assert place in found.sentence
    assert what in found.sentence
    assert value not in found.sentence.lower()


@pytest.mark.parametrize(
    "key",
    [
        "meta/VIP customers/raw/people.csv",
        "meta/Black Friday/raw/2026-11-30T10:15:00+01:00.csv",
        "meta/Leads/raw/run-7/part-00000-0aa1c2d3-4455-6677-8899-aabbccddeeff-c000.snappy.parquet",
        "meta/VIP/raw/maria_list.csv",
        "meta/VIP/raw/20261130101500123.csv",
        "meta/VIP/email_sha256/emails.txt",
        "maria-schmidt/VIP/raw/people.csv",
    ],
)
def test_other_keys_are_not(key: str) -> None:
    """Times, numbers, a name alone and the connector's own name tell of nobody."""
    assert of_keys([key]) == []


def test_one_warning_for_all_files_of_a_folder() -> None:
    """The first one that names somebody is enough."""
    keys = ["meta/VIP/raw/f/manifest", "meta/VIP/raw/f/kim@example.com", "meta/VIP/raw/f/lee@example.com"]
    assert len(of_keys(keys)) == 1
