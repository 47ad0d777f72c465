"""A run folder is read once it is closed, as the set of versions it then has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from activation.drops.folder import RunFolder, closes_folder, read_folder
from activation.errors import Rejected
from moto import mock_aws

FOLDER = "meta/VIP été/raw/replace/"


class Bucket:
    """A drops bucket with versions, and the folder of one export in it."""

    def __init__(self) -> None:
        self.client = boto3.client("s3", region_name="us-east-1")
        self.client.create_bucket(Bucket="drops")
        self.client.put_bucket_versioning(Bucket="drops", VersioningConfiguration={"Status": "Enabled"})
        # Moto inside moto, as when all tests run, keeps what was there.
        boto3.resource("s3", region_name="us-east-1").Bucket("drops").object_versions.filter(
            Prefix="meta/"
        ).delete()

    def put(self, name: str, body: bytes = b"email\na@example.com\n") -> str:
        """Put an object into the folder; returns its version."""
        version: str = self.client.put_object(Bucket="drops", Key=FOLDER + name, Body=body)["VersionId"]
        return version

    def close(self, name: str = "_SUCCESS", body: bytes = b"") -> RunFolder:
        """Put what closes the folder, and read it."""
        return read_folder(self.client, "drops", FOLDER + name, self.put(name, body))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Return an empty bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield Bucket()


def manifest(*entries: Any) -> bytes:
    """Write a manifest as Redshift does."""
    return json.dumps({"entries": entries}).encode()


@pytest.mark.parametrize(
    ("name", "closes"),
    [
        ("_SUCCESS", True),
        ("manifest", True),
        ("export_manifest", True),
        ("run.manifest", True),
        ("manifest.json", True),
        ("part-00000.csv", False),
        ("_committed_123", False),
        ("success", False),
    ],
)
def test_what_closes_a_folder(name: str, closes: bool) -> None:
    """Spark's marker and manifests do, by their names alone."""
    assert closes_folder(FOLDER + name) is closes


def test_a_success_marker_closes_every_file_beside_it(bucket: Bucket) -> None:
    """Hidden files and empty ones are no parts; the others are, in the order of their keys, by version."""
    versions = [bucket.put(f"part-{number:05d} +%.csv") for number in (1, 0)]
    bucket.put("part-00002.csv", b"")
    bucket.put("._SUCCESS.crc")
    bucket.put("_committed_1")
    folder = bucket.close()
    assert [part.key for part in folder.parts] == [f"{FOLDER}part-0000{number} +%.csv" for number in (0, 1)]
    assert [part.version_id for part in folder.parts] == versions[::-1]
    assert folder.size_bytes == 2 * 20
    assert folder.prefix == FOLDER


def test_the_digest_names_the_set_of_versions(bucket: Bucket) -> None:
    """The same set has the same name, whichever marker closed it; another version of a part has another."""
    bucket.put("a.csv")
    first = bucket.close()
    assert bucket.close().digest == first.digest
    listed = manifest({"url": f"s3://drops/{FOLDER}a.csv", "mandatory": True})
    assert bucket.close("manifest", listed).digest == first.digest
    bucket.put("a.csv")
    assert bucket.close().digest != first.digest
    assert len(first.digest) == 32


def test_a_manifest_closes_what_it_lists(bucket: Bucket) -> None:
    """Other files are not of the run; a key is read as it stands."""
    bucket.put("a?b#c.csv", b"x\n1\n")
    bucket.put("left over.csv")
    entry = {"url": f"s3://drops/{FOLDER}a?b#c.csv", "meta": {"content_length": 4}}
    (part,) = bucket.close("run.manifest", manifest(entry)).parts
    assert (part.key, part.size_bytes) == (f"{FOLDER}a?b#c.csv", 4)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"no json", "bad_manifest"),
        (b"[]", "bad_manifest"),
        (manifest("s3://drops/a.csv"), "bad_manifest"),
        (manifest({"url": f"s3://other/{FOLDER}a.csv"}), "bad_manifest"),
        (manifest({"url": "s3://drops/meta/Other/raw/a.csv"}), "bad_manifest"),
        (manifest({"url": f"s3://drops/{FOLDER}a.csv", "meta": {"content_length": "4"}}), "bad_manifest"),
        (manifest({"url": f"s3://drops/{FOLDER}a.csv", "meta": {"content_length": 4}}), "folder_changed"),
        (manifest({"url": f"s3://drops/{FOLDER}gone.csv"}), "folder_changed"),
        (manifest(), "empty_folder"),
    ],
)
def test_a_manifest_that_does_not_hold_is_refused(bucket: Bucket, body: bytes, code: str) -> None:
    """Half an audience is worse than none."""
    bucket.put("a.csv")
    with pytest.raises(Rejected) as refused:
        bucket.close("manifest", body)
    assert refused.value.code == code


def test_a_folder_that_cannot_be_one_run_is_refused(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in it, folders in it, or more files than anyone lists by hand."""
    with pytest.raises(Rejected, match="without any file"):
        bucket.close()
    bucket.put("country=DE/part-0.csv")
    with pytest.raises(Rejected) as refused:
        bucket.close()
    assert refused.value.code == "nested_folder"
    bucket.client.delete_object(Bucket="drops", Key=f"{FOLDER}country=DE/part-0.csv")
    for number in range(3):
        bucket.put(f"{number}.csv")
    monkeypatch.setattr("activation.drops.folder.MOST_PARTS", 2)
    with pytest.raises(Rejected) as refused:
        bucket.close()
    assert refused.value.code == "too_many_parts"


def test_a_part_written_after_the_marker_waits_for_the_next_one(bucket: Bucket) -> None:
    """The tool is at it again, and the set would be of neither run."""
    bucket.put("a.csv")
    version = bucket.put("_SUCCESS", b"")
    client = bucket.client
    later = datetime(2100, 1, 1, tzinfo=UTC)

    class Later:
        """A client to whom the part is newer than it is."""

        def head_object(self, **asked: Any) -> Any:
            return client.head_object(**asked) | ({} if "VersionId" in asked else {"LastModified": later})

        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

    with pytest.raises(Rejected) as refused:
        read_folder(Later(), "drops", f"{FOLDER}_SUCCESS", version)  # type: ignore[arg-type]  # as much of a client as is used
    assert refused.value.code == "folder_changed"


def test_a_marker_that_is_gone_closes_nothing(bucket: Bucket) -> None:
    """Its version was deleted before its message came."""
    bucket.put("a.csv")
    version = bucket.put("_SUCCESS", b"")
    bucket.client.delete_object(Bucket="drops", Key=f"{FOLDER}_SUCCESS", VersionId=version)
    with pytest.raises(Rejected) as refused:
        read_folder(bucket.client, "drops", f"{FOLDER}_SUCCESS", version)
    assert refused.value.code == "object_gone"
