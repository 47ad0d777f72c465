"""A manifest in a folder of this machine, such as Redshift's UNLOAD leaves: only what it names is data."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from activation.identifiers.column_map import Entries


@dataclass(frozen=True)
class LocalManifest:
    """What a folder's own manifest says: the files that it names, what they hold, and how they are read."""

    names: frozenset[str] = field(default_factory=frozenset)
    columns: Entries = ()
    date_order: str = ""
    time_zone: str = ""
    identifiers: str = ""
    platform: str = ""
    encoding: str = ""


def read_local_manifest(folder: Path, manifest: str, names: Collection[str]) -> LocalManifest:
    """Return what a manifest says of the files `names`, paths below the folder.

    Its URLs are those of the bucket that the files came from, so a file is known by the end of its URL. A manifest
    that cannot be read, or names a file that is not here, is a usage error.
    """
    from activation.drops.folder_manifest import manifest_identifiers, manifest_reading
    from activation.errors import Rejected

    try:
        document = json.loads((folder / manifest).read_bytes())
        urls = [str(one["url"]) for one in document["entries"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise typer.BadParameter(f'{manifest} is not {{"entries": [{{"url": "s3://..."}}]}}') from None
    try:
        reading, identifiers = manifest_reading(document), manifest_identifiers(document)
    except Rejected as error:
        raise typer.BadParameter(f"{manifest}: {error.code}: {error.sentence}") from None
    found = set()
    for url in urls:
        ends = [name for name in names if url.endswith(f"/{name}")]
        if not ends:
            raise typer.BadParameter(f"{manifest} names {url.rsplit('/', 1)[-1]}, which is not in the folder")
        found.add(max(ends, key=len))
    if reading is None:
        return LocalManifest(frozenset(found), identifiers=identifiers)
    return LocalManifest(
        frozenset(found),
        reading.columns,
        reading.date_order,
        reading.time_zone,
        identifiers,
        reading.platform,
        reading.encoding,
    )


def is_ours(manifest: Path) -> bool:
    """Return whether a manifest is one that `activation normalize` or its Glue job has written."""
    from activation.drops.folder_manifest import OWN_KEY

    try:
        return OWN_KEY in json.loads(manifest.read_bytes())
    except (ValueError, TypeError, RecursionError):
        return False
