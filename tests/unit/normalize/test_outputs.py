"""Where a drop is written: names that readers would pass over, folders that are there, and places that refuse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from activation.errors import Rejected
from moto import mock_aws

from glue_scripts.normalize import storage
from glue_scripts.normalize.job import MANIFEST
from glue_scripts.normalize.report import Report
from glue_scripts.normalize.run import normalize
from tests.unit.normalize.exports import mapping, write_csv

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "meta/VIP customers/hashed"
BUCKET = "drops"


def run(tmp_path: Path, output: str, folder: str = "f") -> Report:
    """Run a mapping over one person."""
    write_csv(tmp_path / "people.csv", [("ann@example.com",)], ("email",))
    return normalize(mapping(tmp_path / "mapping.json"), str(tmp_path / "people.csv"), output, folder=folder)


def refusal(tmp_path: Path, output: Path | str, folder: str = "f") -> str:
    """Return the code with which a run is refused."""
    with pytest.raises(Rejected) as refused:
        run(tmp_path, str(output), folder)
    return refused.value.code


@pytest.mark.parametrize("name", [".", "..", ".hidden", "_temporary", "a/b", "a\nb", "a\0b", " ", "x" * 201])
def test_a_folder_that_no_reader_would_find_is_refused(tmp_path: Path, name: str) -> None:
    """A name that leads elsewhere, or under which readers pass over a drop, is refused and nothing is made."""
    assert refusal(tmp_path, tmp_path / "out", name) == "bad_folder"
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file in the place of a folder is refused with a code; no part of the drop is left beside it."""
    output = tmp_path / "out"
    output.mkdir()
    (output / "meta").write_text("a file")
    assert refusal(tmp_path, output) == "output_not_written"
    assert [path.name for path in output.rglob("*")] == ["meta"]


def test_a_folder_with_nothing_but_folders_is_there_too(tmp_path: Path) -> None:
    """A drop is never moved onto a folder that is there."""
    (tmp_path / "out" / KEY / "f" / "sub").mkdir(parents=True)
    assert refusal(tmp_path, tmp_path / "out") == "output_exists"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    """Have a bucket in memory."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        storage.s3.cache_clear()
        client = storage.s3()
        client.create_bucket(Bucket=BUCKET)
        yield client
    storage.s3.cache_clear()


def names(bucket: S3Client) -> set[str]:
    """Return the names of the objects in the drop's folder."""
    found = bucket.list_objects_v2(Bucket=BUCKET, Prefix=f"{KEY}/f/").get("Contents", [])
    return {one["Key"].removeprefix(f"{KEY}/f/") for one in found}


@pytest.mark.parametrize("name", ["part-0.parquet", "_SUCCESS", MANIFEST, "sub/part-00000-000-0a1b2c3d.parquet"])
def test_what_another_writer_has_put_into_a_prefix_stays(tmp_path: Path, bucket: S3Client, name: str) -> None:
    """A run into a prefix with anything that no run of its own can have left is refused, and deletes nothing."""
    bucket.put_object(Bucket=BUCKET, Key=f"{KEY}/f/{name}", Body=b"theirs")
    assert refusal(tmp_path, f"s3://{BUCKET}") == "output_exists"
    assert names(bucket) == {name}


def test_what_an_attempt_has_left_in_a_prefix_is_replaced(tmp_path: Path, bucket: S3Client) -> None:
    """Parts, rejects and a report without a manifest are a failed attempt's: the next one removes them."""
    left = {
        "part-00000-000-0a1b2c3d.parquet",
        "_activation/rejects-00012-001-0a1b2c3d.csv",
        "_activation/report.json",
    }
    for name in {*left, ""}:
        bucket.put_object(Bucket=BUCKET, Key=f"{KEY}/f/{name}", Body=b"left")
    report = run(tmp_path, f"s3://{BUCKET}")
    assert names(bucket) == {MANIFEST, "_activation/report.json", *(one.name for one in report.parts)}
