"""Folders as tools write them, deployed: what the audience holds then, and the one receipt of each."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.end_to_end.evidence import Evidence
from tests.end_to_end.line import Line
from tests.end_to_end.people import Person, as_csv, people
from tests.end_to_end.records import Put


@pytest.fixture
def tiktok(lines: dict[str, Line], evidence: Evidence) -> Iterator[Line]:
    """Return TikTok's line, whose platform offers replace; nobody's data may be found outside of it."""
    line = next(one for one in lines.values() if one.platform == "tiktok")
    line.reset()
    yield line
    line.sandbox.end_faults()
    assert evidence.search() == []


def write(line: Line, folder: str, files: Mapping[str, bytes]) -> list[Put]:
    """Write objects into a folder below an audience's identifiers, in their order."""
    return [line.put_key(f"{line.connector}/{folder}/{name}", body) for name, body in files.items()]


def parts(of: Sequence[Person], count: int, name: str = "part-{:05d}-9f.c000.csv") -> dict[str, bytes]:
    """Cut people into files of CSV."""
    size = -(-len(of) // count)
    return {name.format(at): as_csv(of[at * size : (at + 1) * size]) for at in range(count)}


def manifest(line: Line, folder: str, names: Sequence[str]) -> bytes:
    """Write a manifest as Redshift does."""
    root = f"s3://{line.sandbox.described['drops_bucket']}/{line.connector}/{folder}/"
    return json.dumps(
        {"entries": [{"url": root + name, "meta": {"content_length": None}} for name in names]}
    ).encode()


def receipts(line: Line) -> list[dict[str, Any]]:
    """Return every receipt of the connector."""
    client, bucket = line.sandbox.client("s3"), line.sandbox.described["receipts_bucket"]
    listed = client.list_objects_v2(Bucket=bucket, Prefix=f"receipts/{line.connector}/").get("Contents", [])
    keys = [one["Key"] for one in listed if one["Key"].endswith(".json")]
    return [json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]


def only_receipt(line: Line, within_s: float = 120.0) -> dict[str, Any]:
    """Let the line come to rest and return its one receipt."""
    line.wait_until_quiet(within_s)
    (one,) = receipts(line)
    return one


def test_three_parts_under_one_replace_are_one_replace(tiktok: Line) -> None:
    """Of 6,000 people in three files of one export, the audience holds 6,000, and there is one receipt."""
    some = people(6_000, "three-parts")
    *_, sign = write(tiktok, "Export/raw/replace/run-7", {**parts(some, 3), "_SUCCESS": b""})
    receipt = tiktok.finish(sign)
    assert (receipt["state"], receipt["rows"]["in"], receipt["rows"]["acknowledged"]) == ("applied", 6_000, 6_000)
    assert receipt["folder"]["files"] == 3
    assert tiktok.held("Export") == tiktok.members(some)
    assert len(receipts(tiktok)) == 1
    assert tiktok.dead_letters() == []


def test_spark_writes_a_folder_with_marks(meta: Line) -> None:
    """Checksums and hidden files are skipped and named; partitions are part of the folder."""
    some = people(90, "spark")
    files = parts(some, 3, "country=DE/part-{:05d}-9f.c000.csv")
    marks = {".part-00000-9f.c000.csv.crc": b"x", "._SUCCESS.crc": b"x", "_temporary/0/t/part-0": b"x"}
    *_, sign = write(meta, "Spark/raw/run-7", {**files, **marks, "_SUCCESS": b""})
    receipt = meta.finish(sign)
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 90)
    assert receipt["folder"]["files"] == 3
    assert set(receipt["folder"]["skipped"]["names"]) == set(marks)
    assert meta.held("Spark") == meta.members(some)
    assert len(receipts(meta)) == 1
    assert meta.dead_letters() == []


def test_redshift_overwrites_a_folder_every_night(tiktok: Line) -> None:
    """A smaller second UNLOAD leaves a part of the first behind, which its manifest does not list."""
    first, second, folder = people(90, "redshift-1"), people(40, "redshift-2"), "Nightly/raw/replace/unload"
    name = "{:04d}_part_00"
    files = parts(first, 3, name)
    *_, sign = write(tiktok, folder, {**files, "manifest": manifest(tiktok, folder, list(files))})
    assert tiktok.finish(sign)["rows"]["acknowledged"] == 90
    assert tiktok.held("Nightly") == tiktok.members(first)
    files = parts(second, 2, name)
    *_, sign = write(tiktok, folder, {**files, "manifest": manifest(tiktok, folder, list(files))})
    receipt = tiktok.finish(sign)
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 40)
    assert receipt["folder"]["stale"] == {"count": 1, "names": ["0002_part_00"]}
    assert tiktok.held("Nightly") == tiktok.members(second)
    assert len(receipts(tiktok)) == 2
    assert tiktok.dead_letters() == []


def test_athena_unloads_parquet_without_an_extension_or_a_sign(meta: Line) -> None:
    """Its manifest lies elsewhere, so the quiet time closes the folder."""
    meta.configure(environment={"FOLDER_QUIET_S": "3"})
    some, files = people(60, "athena"), {}
    for at in (0, 30):
        sink, rows = io.BytesIO(), some[at : at + 30]
        table = pa.table({"email": [one.email for one in rows], "phone": [f"+{one.phone}" for one in rows]})
        pq.write_table(table, sink)
        files[f"20261129_101112_{at:05d}_{uuid.uuid4()}"] = sink.getvalue()
    write(meta, f"Athena/raw/tables/{uuid.uuid4()}", files)
    receipt = only_receipt(meta)
    assert (receipt["state"], receipt["drop"]["format"]) == ("applied", "parquet")
    assert (receipt["folder"]["files"], receipt["rows"]["acknowledged"]) == (2, 60)
    assert meta.held("Athena") == meta.members(some)
    assert meta.dead_letters() == []


def test_clean_rooms_tree_is_one_replace_after_the_quiet_time(tiktok: Line) -> None:
    """`collaboration=<uuid>` is no folder of its own, the query's is, and its files have no extension."""
    tiktok.configure(environment={"FOLDER_QUIET_S": "3"})
    some = people(80, "clean-rooms")
    folder = f"Joint/raw/replace/cleanRooms/collaboration={uuid.uuid4()}/{uuid.uuid4()}"
    put, *_ = write(tiktok, folder, parts(some, 2, "{:03d}"))
    receipt = only_receipt(tiktok)
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 80)
    assert receipt["drop"]["key"] == put.key.removesuffix("000")
    assert tiktok.held("Joint") == tiktok.members(some)
    assert tiktok.dead_letters() == []


def test_a_late_part_is_added_by_a_run_of_its_own(meta: Line) -> None:
    """Under add a file that comes after the sign is sent when no other sign has come."""
    some, folder = people(60, "late-add"), "Late/raw/run-7"
    *_, sign = write(meta, folder, {**parts(some[:40], 2), "_SUCCESS": b""})
    assert meta.finish(sign)["rows"]["acknowledged"] == 40
    (late,) = write(meta, folder, {"part-00009-9f.c000.csv": as_csv(some[40:])})
    receipt = meta.finish(late)
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 20)
    assert meta.held("Late") == meta.members(some)
    assert len(receipts(meta)) == 2


def test_a_late_part_never_replaces_an_audience(tiktok: Line) -> None:
    """Under replace it is a finding: counted in the folder's record, and the audience stays as it is."""
    some, folder = people(60, "late-replace"), "Late/raw/replace/run-7"
    *_, sign = write(tiktok, folder, {**parts(some[:40], 2), "_SUCCESS": b""})
    assert tiktok.finish(sign)["rows"]["acknowledged"] == 40
    write(tiktok, folder, {"part-00009-9f.c000.csv": as_csv(some[40:])})
    tiktok.wait_for_late_files(1)
    assert tiktok.held("Late") == tiktok.members(some[:40])
    assert len(receipts(tiktok)) == 1
    assert tiktok.dead_letters() == []


def test_two_files_of_one_replace_are_blocked(tiktok: Line) -> None:
    """Neither is sent when both are there before the first begins; the receipts say how to make them a folder."""
    some = people(20, "two-files")
    with tiktok.held_back():
        puts = write(tiktok, "Loose/raw/replace", parts(some, 2, "part-{}.csv"))
    for put in puts:
        receipt = tiktok.finish(put)
        assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "several_files_for_one_replace")
    assert tiktok.held("Loose") == set()


def test_a_manifest_of_a_missing_file_sends_nothing(tiktok: Line) -> None:
    """The run fails with its code and a dead letter, and the audience is not touched."""
    folder = "Missing/raw/replace/unload"
    body = manifest(tiktok, folder, ["0000_part_00", "0001_part_00"])
    *_, sign = write(tiktok, folder, {"0000_part_00": as_csv(people(5, "missing")), "manifest": body})
    receipt = tiktok.finish(sign)
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "manifest_missing_file")
    assert [letter["code"] for letter in tiktok.dead_letters()] == ["manifest_missing_file"]
    assert tiktok.calls("") == []
