"""What Redshift's UNLOAD writes with a manifest, as files: dropped into a folder, a source, and an export."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from activation.drops.sources import BucketSource

from tests.unit.line.jobs import ALL, Job, Make
from tests.unit.line.platform import hashed
from tests.unit.line.world import World, people
from tests.unit.normalize.exports import run

FORMATS = ("csv", "parquet")
Unload = dict[str, bytes]


def csv(emails: list[str], _: str = "") -> bytes:
    """Return a part as FORMAT CSV HEADER writes it: a header in each, quotes only where they are needed."""
    return "".join(("email,city\n", *(f'{one},"San José, CA"\n' for one in emails))).encode()


def parquet(emails: list[str], compression: str = "snappy") -> bytes:
    """Return a part as FORMAT PARQUET writes it."""
    file = io.BytesIO()
    pq.write_table(
        pa.table({"email": emails, "city": ["San José, CA"] * len(emails)}), file, compression=compression
    )
    return file.getvalue()


def unload(format_: str, to: str, *slices: list[str]) -> Unload:
    """Return the objects of `TO 's3://<to>part-' FORMAT ... MANIFEST VERBOSE`, the manifest last.

    Names and manifest are those of AWS's pages: https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html and
    https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD_command_examples.html, read 2026-11-30
    """
    write: Callable[[list[str]], bytes] = csv if format_ == "csv" else parquet
    ending = "" if format_ == "csv" else ".parquet"
    files = {f"part-{number:04}_part_00{ending}": write(emails) for number, emails in enumerate(slices)}
    entries = [
        {
            "url": f"s3://{to}{name}",
            "meta": {"content_length": len(body), "record_count": len(slices[number])},
        }
        for number, (name, body) in enumerate(files.items())
    ]
    names = [{"name": name, "type": {"base": "character varying", "length": 256}} for name in ("email", "city")]
    manifest: dict[str, Any] = {
        "entries": entries,
        "schema": {"elements": names},
        "meta": {"content_length": sum(map(len, files.values())), "record_count": sum(map(len, slices))},
        "author": {"name": "Amazon Redshift", "version": "1.0.0"},
    }
    return {**files, "part-manifest": json.dumps(manifest).encode()}


@pytest.mark.parametrize("format_", FORMATS)
def test_an_unload_into_a_folder_of_drops_is_one_replace(make_world: Make, format_: str) -> None:
    """The manifest closes it; a part of an earlier, larger unload is left over; a slice may have no rows."""
    world = make_world(actions=ALL)
    job = Job(world, "2026-12-01/", action="replace")
    made = unload(format_, f"drops/{job.folder}", people(4), people(2, start=5), [])
    left = job.put(f"part-0003_part_00{'' if format_ == 'csv' else '.parquet'}", csv(people(9, start=50)))
    world.run(left, *(job.put(name, body) for name, body in made.items()))
    receipt = world.check(*people(6))
    assert receipt["rows"]["in"] == 6
    assert receipt["folder"]["files"] == 3
    assert receipt["folder"]["stale"]["count"] == 1


@pytest.mark.parametrize("format_", FORMATS)
def test_a_part_of_another_size_than_the_manifest_says_is_refused(make_world: Make, format_: str) -> None:
    """Another unload was faster: nothing is sent of either."""
    world = make_world(actions=ALL)
    job = Job(world, "2026-12-01/", action="replace")
    made = unload(format_, f"drops/{job.folder}", people(4), people(2, start=5))
    changed = next(iter(made))
    made[changed] = csv(people(5)) if format_ == "csv" else parquet(people(5), "none")
    world.run(*(job.put(name, body) for name, body in made.items()))
    assert (world.receipt()["state"], world.platform.members) == ("failed", {})


@pytest.mark.parametrize("format_", FORMATS)
def test_an_unload_below_the_prefix_of_a_source_is_a_drop(world: World, format_: str) -> None:
    """In a bucket of the warehouse's owner, each time's folder is one."""
    source = BucketSource("warehouse", "unload/vip/", "vip", "raw")
    world.settings = replace(world.settings, sources=(source,))
    world.restart()
    made = unload(format_, "warehouse/unload/vip/2026-12-01/", people(3), people(3, start=4))
    for name, body in made.items():
        key = f"unload/vip/2026-12-01/{name}"
        etag = world.aws.s3.put_object(Bucket="warehouse", Key=key, Body=body)["ETag"].strip('"')
        item = {"key": key, "size": len(body), "etag": etag, "sequencer": "01"}
        detail = {"bucket": {"name": "warehouse"}, "object": item}
        world.run(world.event({}, detail=detail))
    assert world.check(*people(6))["folder"]["files"] == 2


@pytest.mark.parametrize("format_", FORMATS)
def test_an_unload_is_an_export_that_is_normalised(tmp_path: Path, format_: str) -> None:
    """The manifest says which files are read; what is written is what the connector of the platform would send."""
    source = tmp_path / "export"
    source.mkdir()
    for name, body in unload(format_, "exports/vip/2026-12-01/", people(4), people(2, start=5)).items():
        (source / name).write_bytes(body)
    (source / "part-0002_part_00").write_bytes(csv(people(9, start=50)))
    report = run(tmp_path, source, input={"complete": "sign"}, columns={"city": "ignore"})
    assert report.document["rows"]["read"] == report.document["rows"]["written"] == 6
    (part,) = report.parts
    written = pq.read_table(tmp_path / "out" / report.document["key"] / part.name).column("EMAIL").to_pylist()
    assert sorted(written) == sorted(hashed(one) for one in people(6))
