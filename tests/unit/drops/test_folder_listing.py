"""A folder's files are listed once, and what a manifest says of its columns is read as it was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from activation.drops.folder_listing import (
    FolderFile,
    FolderListing,
    listing_key,
    load_listing,
    save_listing,
)
from activation.drops.folder_manifest import (
    ManifestExport,
    ManifestReading,
    manifest_export,
    manifest_identifiers,
    manifest_reading,
    manifest_text,
)
from activation.errors import Rejected
from moto import mock_aws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = listing_key("meta", "0" * 32)
FOLDER = "meta/VIP été/raw/replace/export 1/"
LISTING = FolderListing(
    "drops",
    FOLDER,
    f"{FOLDER}_SUCCESS",
    (FolderFile(f"{FOLDER}part-0.csv", "v1", '"e1"', 20), FolderFile(f"{FOLDER}part-1.csv", "v2", '"e2"', 0)),
    skipped=(".part-0.csv.crc", "_SUCCESS"),
    stale=("part-2.csv",),
    reading=ManifestReading((("Kontakt", "email"), ("country", "US")), "dmy"),
    export=ManifestExport("2026-12-01T10:00", "vip", 4, {"no_consent": 2}),
)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    """Return a client that knows an empty receipts bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="receipts")
        client.delete_object(Bucket="receipts", Key=KEY)
        yield client


def test_a_listing_is_read_as_it_was_saved(s3: S3Client) -> None:
    """Files, skipped and stale names, and what the manifest says of the columns come back unchanged."""
    assert save_listing(s3, "receipts", KEY, LISTING) == LISTING
    assert load_listing(s3, "receipts", KEY) == LISTING


def test_the_first_listing_counts(s3: S3Client) -> None:
    """A second listing of the same run is dropped for the stored one."""
    save_listing(s3, "receipts", KEY, LISTING)
    later = FolderListing("drops", FOLDER, f"{FOLDER}_SUCCESS", LISTING.files[:1])
    assert save_listing(s3, "receipts", KEY, later) == LISTING
    assert load_listing(s3, "receipts", KEY) == LISTING


def test_a_listing_that_was_deleted_is_named(s3: S3Client) -> None:
    """A run whose listing is gone fails with a code of its own."""
    with pytest.raises(Rejected) as caught:
        load_listing(s3, "receipts", KEY)
    assert caught.value.code == "listing_gone"


def test_the_digest_names_the_versions() -> None:
    """The same versions give the same digest whatever closed the folder; another version gives another one."""
    by_time = FolderListing("drops", FOLDER, "", LISTING.files)
    newer = FolderListing("drops", FOLDER, "", (LISTING.files[0], FolderFile("x", "v3", '"e2"', 0)))
    assert by_time.digest == LISTING.digest
    assert newer.digest != LISTING.digest


def test_a_name_is_below_the_prefix() -> None:
    """A file is named as it stands in its folder."""
    assert [LISTING.name(file) for file in LISTING.files] == ["part-0.csv", "part-1.csv"]


def test_a_manifest_says_what_was_said_of_the_columns() -> None:
    """Columns and date order are read from a manifest as they were written into it."""
    said = ManifestReading((("E-Mail (geschäftlich)", "email"), ("country", "US")), "dmy", "Europe/Berlin")
    text = manifest_text("drops", [(f"{FOLDER}part-0.csv", 20)], said)
    assert json.loads(text)["entries"] == [
        {"url": f"s3://drops/{FOLDER}part-0.csv", "meta": {"content_length": 20}}
    ]
    assert manifest_reading(json.loads(text)) == said


def test_a_manifest_says_what_its_files_hold() -> None:
    """It is the name that the key has, and no other text."""
    assert manifest_identifiers({"entries": [], "activation": {"identifiers": "email_sha256"}}) == "email_sha256"
    assert manifest_identifiers({"entries": []}) == ""
    for wrong in ("Hashed!", 7, ["raw"]):
        with pytest.raises(Rejected, match="identifiers"):
            manifest_identifiers({"entries": [], "activation": {"identifiers": wrong}})


def test_a_manifest_need_not_say_anything_of_the_columns() -> None:
    """Redshift's own manifests say nothing of columns, and neither does ours without a mapping."""
    assert manifest_reading({"entries": []}) is None
    assert manifest_reading(json.loads(manifest_text("drops", []))) is None


@pytest.mark.parametrize(
    "own",
    [
        [],
        "email",
        {"column": {}},
        {"columns": [["Kontakt", "email"]]},
        {"columns": {"Kontakt": None}},
        {"date_order": "dym"},
        {"date_order": ["dmy"]},
        {"time_zone": "Europe/Bonn"},
        {"time_zone": 1},
    ],
)
def test_what_a_manifest_says_wrongly_is_refused(own: Any) -> None:
    """Anything but columns and a date order under the manifest's own key is refused."""
    with pytest.raises(Rejected) as caught:
        manifest_reading({"entries": [], "activation": own})
    assert caught.value.code == "bad_columns"


def test_a_manifest_says_what_export_it_closes() -> None:
    """The slot, the declaration, the rows and those left out are read, beside what is said of the columns."""
    own = {"slot": "2026-12-01T10:00", "declaration": "vip", "rows": 4, "left_out": {"no_consent": 2}}
    manifest = {"entries": [], "activation": {**own, "date_order": "dmy"}}
    assert manifest_export(manifest) == LISTING.export
    assert manifest_reading(manifest) == ManifestReading((), "dmy")
    assert manifest_export({"entries": [], "activation": {"date_order": "dmy"}}) is None


@pytest.mark.parametrize(
    "own",
    [
        {"slot": "ann@example.com"},
        {"slot": "x" * 65},
        {"declaration": ["vip"]},
        {"rows": -1},
        {"rows": True},
        {"rows": "4"},
        {"left_out": {"+15550100": 1}},
        {"left_out": {"no_consent": None}},
        {"left_out": 2},
    ],
)
def test_what_a_manifest_says_wrongly_of_its_export_is_refused(own: Any) -> None:
    """Nothing that could be a person's gets from there into a receipt."""
    with pytest.raises(Rejected) as caught:
        manifest_export({"entries": [], "activation": own})
    assert caught.value.code == "bad_manifest"


def test_two_entries_for_a_column_are_refused() -> None:
    """A mapping that says two things of one column is not halved silently."""
    with pytest.raises(Rejected, match="bad_columns"):
        manifest_text("drops", [], ManifestReading((("Kontakt", "email"), ("Kontakt", "phone"))))
