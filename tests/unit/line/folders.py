"""Folders as drops of the small world: their files, the listing of them, and the run's record that names it."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Mapping
from typing import Any

from activation.drops.folder_listing import FolderFile, FolderListing, listing_key, save_listing
from activation.drops.folder_manifest import ManifestReading
from activation.drops.messages import read
from activation.ledger.runs import HeldRun

from tests.unit.line.world import ACCOUNT, World


def drop_folder(
    world: World,
    files: Mapping[str, str | bytes],
    *,
    kind: str = "raw",
    skipped: tuple[str, ...] = (),
    stale: tuple[str, ...] = (),
    reading: ManifestReading | None = None,
) -> str:
    """Put files, begin the run of their folder as if it had just been listed, and return its message."""
    prefix = f"{world.name}/vip/{kind}/export/"
    listed = []
    for name, data in files.items():
        item = world.put(data, prefix + name)
        etag = world.aws.s3.head_object(Bucket="drops", Key=item["key"], VersionId=item["version-id"])["ETag"]
        listed.append(FolderFile(item["key"], item["version-id"], etag, item["size"]))
    body = world.drop("", file="closed.csv", kind=kind)
    work = read(body, origins=world.settings.origins, account=ACCOUNT)
    run_id = work.run_id(world.name)
    key = listing_key(world.name, run_id)
    listing = FolderListing("drops", prefix, work.drop.key, tuple(listed), skipped, stale, reading)
    save_listing(world.aws.s3, "receipts", key, listing)
    ledger = world.connector.connector.ledger
    facts = {"audience": "vip", "action": "add", "object_key": work.drop.key}
    held = HeldRun(ledger.claim(run_id, -1, facts), ledger)
    held.run.progress.plan.listing = key
    held.save(release=True)
    return body


def placed_rejects(world: World) -> list[tuple[str, ...]]:
    """Return the lines of the rejects list, with the names of files, without the header."""
    key = world.receipt()["rejects_key"]
    text: Any = world.aws.s3.get_object(Bucket="receipts", Key=key)["Body"].read().decode()
    header, *lines = csv.reader(io.StringIO(text))
    assert header == ["row", "column", "code", "file", "row_in_file"]
    return [tuple(line) for line in lines]


def cut(rows: list[str], *places: int, header: str = "email\n") -> dict[str, str]:
    """Cut lines into files below a header each."""
    pairs = itertools.pairwise([0, *places, len(rows)])
    return {f"part-{at}": header + "".join(f"{row}\n" for row in rows[a:b]) for at, (a, b) in enumerate(pairs)}
