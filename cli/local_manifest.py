"""A manifest in a folder of this machine, such as Redshift's UNLOAD leaves: only what it names is data."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import typer


def named_by(folder: Path, manifest: str, names: Collection[str]) -> frozenset[str]:
    """Return which of the files `names`, paths below the folder, its manifest lists.

    Its URLs are those of the bucket that the files came from, so a file is known by the end of its URL. A manifest
    that cannot be read, names a file that is not here, or says how its files are read is a usage error.
    """
    from activation.drops.folder_manifest import OWN_KEY

    try:
        document = json.loads((folder / manifest).read_bytes())
        urls = [str(one["url"]) for one in document["entries"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise typer.BadParameter(f'{manifest} is not {{"entries": [{{"url": "s3://..."}}]}}') from None
    if OWN_KEY in document:
        raise typer.BadParameter(f"{manifest} says how its files are read: give the files, and say it with --map")
    found = set()
    for url in urls:
        ends = [name for name in names if url.endswith(f"/{name}")]
        if not ends:
            raise typer.BadParameter(f"{manifest} names {url.rsplit('/', 1)[-1]}, which is not in the folder")
        found.add(max(ends, key=len))
    return frozenset(found)
