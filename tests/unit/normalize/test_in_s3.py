"""Exports and drops in S3: listed once, written part by part, and a drop only with its manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from activation.drops.folder_listing import FolderFile, FolderListing
from activation.errors import Rejected
from activation.records import to_json
from moto import mock_aws

from glue_scripts.normalize import storage
from glue_scripts.normalize.job import in_process, job_of
from glue_scripts.normalize.mapping_file import read_mapping
from glue_scripts.normalize.run import normalize
from tests.unit.normalize.exports import TARGET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAPPING = json.dumps({"target": TARGET, "output": {"identifiers": "hashed"}})
FOLDER = "meta/VIP customers/hashed/run-1/"
ROWS = b"email,first_name\nann@example.com,Ann\nbob@example.com,Bob\n"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    """Serve S3 in memory, with an export of one file and an empty bucket of drops."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        storage.s3.cache_clear()
        client = boto3.client("s3")
        for name in ("lake", "drops"):
            client.create_bucket(Bucket=name)
        client.put_object(Bucket="lake", Key="mapping.json", Body=MAPPING.encode())
        client.put_object(Bucket="lake", Key="export/000", Body=ROWS)
        yield client
    storage.s3.cache_clear()


def keys(s3: S3Client, prefix: str = "") -> list[str]:
    """Return the keys of the drops."""
    return [one["Key"] for one in s3.list_objects_v2(Bucket="drops", Prefix=prefix).get("Contents", [])]


def test_an_export_in_s3_becomes_a_drop(s3: S3Client) -> None:
    """The manifest lists the part that is there, with its size; what an earlier attempt left is gone."""
    s3.put_object(Bucket="drops", Key=f"{FOLDER}part-00000-000-deadbeef.parquet", Body=b"left over")
    report = normalize("s3://lake/mapping.json", "s3://lake/export/", "s3://drops", folder="run-1")
    assert report.document["rows"]["written"] == 2
    (part,) = report.parts
    assert keys(s3) == [f"{FOLDER}_activation/report.json", f"{FOLDER}_manifest.json", f"{FOLDER}{part.name}"]
    manifest = json.loads(s3.get_object(Bucket="drops", Key=f"{FOLDER}_manifest.json")["Body"].read())
    size_bytes = s3.head_object(Bucket="drops", Key=f"{FOLDER}{part.name}")["ContentLength"]
    meta = {"content_length": size_bytes, "record_count": 2}
    assert manifest["entries"] == [{"url": f"s3://drops/{FOLDER}{part.name}", "meta": meta}]


def test_one_object_may_be_the_export(s3: S3Client) -> None:
    """A URL that is an object's names that object alone, not others that begin like it."""
    s3.put_object(Bucket="lake", Key="export/0001", Body=b"not a table at all")
    report = normalize("s3://lake/mapping.json", "s3://lake/export/000", "s3://drops", folder="run-1")
    assert report.document["input"]["files"] == 1
    assert report.document["rows"]["written"] == 2


def test_an_empty_folder_is_listed_below_its_prefix_alone(s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role that may list only below the export's prefix hears that it is empty, not that it is denied."""
    asked: list[str] = []
    files = storage.S3Folder.files

    def listed(folder: storage.S3Folder) -> tuple[storage.StoredFile, ...]:
        asked.append(f"{folder.bucket}/{folder.prefix}")
        return files(folder)

    monkeypatch.setattr(storage.S3Folder, "files", listed)
    with pytest.raises(Rejected) as refused:
        normalize("s3://lake/mapping.json", "s3://lake/empty/", "s3://drops", folder="run-1")
    assert refused.value.code == "empty_export"
    assert asked == ["lake/empty/"]


def test_a_drop_is_not_written_over(s3: S3Client) -> None:
    """Where the folder has a manifest, a second run is refused and changes nothing."""
    normalize("s3://lake/mapping.json", "s3://lake/export/", "s3://drops", folder="run-1")
    before = keys(s3)
    with pytest.raises(Rejected) as refused:
        normalize("s3://lake/mapping.json", "s3://lake/export/", "s3://drops", folder="run-1")
    assert refused.value.code == "output_exists"
    assert keys(s3) == before


def test_a_run_killed_after_its_manifest_has_made_the_drop(s3: S3Client) -> None:
    """Another attempt for the same claim returns the drop's report; one for another claim is refused."""
    given = ("s3://lake/mapping.json", "s3://lake/export/", "s3://drops")
    first = normalize(*given, folder="run-1", claim="vip/sign-1")
    # The connector deletes the parts once its run is final.
    s3.delete_object(Bucket="drops", Key=FOLDER + first.parts[0].name)
    before = keys(s3)
    again = normalize(*given, folder="run-1", claim="vip/sign-1")
    assert again.document == first.document
    assert keys(s3) == before
    with pytest.raises(Rejected, match="output_exists"):
        normalize(*given, folder="run-1", claim="vip/sign-2")


def test_a_drop_that_was_made_and_deleted_is_not_made_again(s3: S3Client) -> None:
    """The drop was sent and deleted with its manifest before the run failed: a record tells the next attempt."""
    s3.create_bucket(Bucket="receipts")
    given = ("s3://lake/mapping.json", "s3://lake/export/", "s3://drops")
    record = "s3://receipts/listings/_/vip-sign-1.made.json"
    first = normalize(*given, folder="run-1", claim="vip/sign-1", record=record)
    for key in keys(s3):
        s3.delete_object(Bucket="drops", Key=key)
    again = normalize(*given, folder="run-1", claim="vip/sign-1", record=record)
    assert again.document == first.document
    assert keys(s3) == []
    normalize(*given, folder="run-1", claim="vip/sign-2", record=record)
    assert f"{FOLDER}_manifest.json" in keys(s3)


def test_a_run_killed_before_its_manifest_has_made_nothing(s3: S3Client) -> None:
    """A report without a manifest is no drop: the next attempt for the claim makes it."""
    given = ("s3://lake/mapping.json", "s3://lake/export/", "s3://drops")
    normalize(*given, folder="run-1", claim="vip/sign-1")
    s3.delete_object(Bucket="drops", Key=f"{FOLDER}_manifest.json")
    normalize(*given, folder="run-1", claim="vip/sign-1")
    assert f"{FOLDER}_manifest.json" in keys(s3)


@pytest.mark.parametrize("name", ["part-0.parquet", "_SUCCESS", "sub/part-00000-000-0a1b2c3d.parquet"])
def test_what_another_writer_has_put_there_stays(s3: S3Client, name: str) -> None:
    """A run into a prefix with anything that no run of its own can have left is refused, and deletes nothing."""
    s3.put_object(Bucket="drops", Key=FOLDER + name, Body=b"theirs")
    with pytest.raises(Rejected) as refused:
        normalize("s3://lake/mapping.json", "s3://lake/export/", "s3://drops", folder="run-1")
    assert refused.value.code == "output_exists"
    assert keys(s3) == [FOLDER + name]


def test_all_that_an_attempt_can_leave_is_replaced(s3: S3Client) -> None:
    """The folder's mark, rejects and a report without a manifest are a failed attempt's, as parts are."""
    for name in ("", "_activation/rejects-00012-001-0a1b2c3d.csv", "_activation/report.json"):
        s3.put_object(Bucket="drops", Key=FOLDER + name, Body=b"left")
    report = normalize("s3://lake/mapping.json", "s3://lake/export/", "s3://drops", folder="run-1")
    (part,) = report.parts
    assert keys(s3) == [f"{FOLDER}_activation/report.json", f"{FOLDER}_manifest.json", f"{FOLDER}{part.name}"]


def test_an_object_that_changes_meanwhile_is_not_read(s3: S3Client) -> None:
    """Other bytes than were listed end the run, and there is no manifest."""
    job, plan = job_of(read_mapping(MAPPING), "s3://lake/export/", "s3://drops", "run-1")
    s3.put_object(Bucket="lake", Key="export/000", Body=ROWS.replace(b"bob", b"eve"))
    with pytest.raises(Rejected) as refused:
        job.finish(plan, in_process(job, plan), "process")
    assert refused.value.code == "object_changed"
    assert keys(s3) == []


def test_a_mapping_that_is_not_there_is_said(s3: S3Client) -> None:
    """A URL of no object is the mapping's mistake, not an error of AWS."""
    with pytest.raises(Rejected) as refused:
        normalize("s3://lake/other.json", "s3://lake/export/", "s3://drops")
    assert refused.value.code == "mapping_missing"


def test_a_mapping_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    """A folder in a file's place is said; a path through a file, or to nothing, has no file."""
    (tmp_path / "file").touch()
    with pytest.raises(Rejected, match="is a directory") as refused:
        storage.text_of(str(tmp_path))
    assert refused.value.code == "file_unreadable"
    assert storage.text_if_there(str(tmp_path / "other")) is None
    assert storage.text_if_there(str(tmp_path / "file" / "other")) is None


def test_a_listing_says_which_objects_are_read(s3: S3Client) -> None:
    """A file that came after the list was made is not read, and one that was overwritten since is refused."""
    head = s3.head_object(Bucket="lake", Key="export/000")
    listed = FolderFile("export/000", "", head["ETag"], len(ROWS))
    listing = FolderListing("lake", "export/", "export/_SUCCESS", (listed,))
    s3.put_object(Bucket="lake", Key="listing.json", Body=to_json(listing).encode())
    s3.put_object(Bucket="lake", Key="export/001", Body=b"email,first_name\ncy@example.com,Cy\n")
    given = ("s3://lake/mapping.json", "s3://lake/export/", "s3://drops")
    report = normalize(*given, folder="run-1", listing="s3://lake/listing.json")
    assert report.document["rows"]["written"] == 2
    s3.put_object(Bucket="lake", Key="export/000", Body=ROWS + b"di@example.com,Di\n")
    with pytest.raises(Rejected, match="object_changed"):
        normalize(*given, folder="run-2", listing="s3://lake/listing.json")
    assert not keys(s3, "meta/VIP customers/hashed/run-2/")


def test_a_listing_of_empty_files_is_an_empty_export(s3: S3Client) -> None:
    """Nothing is written where every listed file is without a byte, or the list is none."""
    empty = FolderListing("lake", "export/", "", (FolderFile("export/000", "", '"e"', 0),))
    s3.put_object(Bucket="lake", Key="empty.json", Body=to_json(empty).encode())
    s3.put_object(Bucket="lake", Key="damaged.json", Body=b"{}")
    given = ("s3://lake/mapping.json", "s3://lake/export/", "s3://drops")
    for name, code in (("empty", "empty_export"), ("damaged", "export_incomplete")):
        with pytest.raises(Rejected, match=code):
            normalize(*given, listing=f"s3://lake/{name}.json")
    assert not keys(s3)
