"""The results of a query become a folder drop: what was written is listed, and a manifest written over it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from activation.aws.errors import code_of
from activation.drops.folder_manifest import ManifestExport, manifest_text
from activation.drops.sidecars import WRITTEN_MANIFEST, is_sidecar, is_sign
from activation.errors import Rejected
from botocore.exceptions import ClientError

from lambdas.clean_rooms.calls import ProtectedQuery
from lambdas.clean_rooms.queries import Query

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

MANIFEST = WRITTEN_MANIFEST
_URL = re.compile(r"s3://([^/]+)/(.+)", re.DOTALL)


@dataclass(frozen=True)
class Results:
    """Closes the results of queries that have succeeded."""

    s3: S3Client

    def close(self, query: Query, slot: str, done: ProtectedQuery) -> str:
        """Write the manifest of a query's results, unless it is there; return its key.

        Which objects belong to it is read from S3, below the location that Clean Rooms gives. That has to be below
        the prefix of this attempt, where nothing else is written.

        Raises Rejected: results_elsewhere, no_results. Raises what the SDK raises.
        """
        folder, files = self._listed(query, done)
        key = f"{folder}{MANIFEST}"
        export = ManifestExport(slot=slot, declaration=query.name)
        text = manifest_text(query.bucket, files, export=export)
        try:
            self.s3.put_object(
                Bucket=query.bucket, Key=key, Body=text.encode(), ContentType="application/json", IfNoneMatch="*"
            )
        except ClientError as error:
            if code_of(error) != "PreconditionFailed":
                raise
        return key

    def _listed(self, query: Query, done: ProtectedQuery) -> tuple[str, list[tuple[str, int]]]:
        """Return the folder of the results, and its files with their sizes in bytes."""
        found = _URL.fullmatch(done.location)
        location = found[2].removesuffix("/") if found else ""
        # It may be the prefix itself, below which nothing but this attempt's results is written.
        if found is None or found[1] != query.bucket or not f"{location}/".startswith(f"{done.prefix}/"):
            where = "in another place than the settings say" if done.location else "not given to this account"
            raise Rejected(
                "results_elsewhere",
                f"the query has succeeded, and its results are {where}: in Clean Rooms, the member who runs the"
                " query has to be one who receives its results, in this account",
            )
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=query.bucket, Prefix=location)
        listed = {one["Key"]: one["Size"] for page in pages for one in page.get("Contents", [])}
        # With a single file, the location may be the file itself.
        folder = f"{location.rpartition('/')[0] if location in listed else location}/"
        files = [
            (key, size)
            for key, size in sorted(listed.items())
            if key.startswith(folder) and size and not _is_no_data(key.rpartition("/")[2])
        ]
        if not files:
            raise Rejected("no_results", "the query has succeeded, and has written no file with content")
        return folder, files


def _is_no_data(name: str) -> bool:
    return is_sidecar(name) or is_sign(name)
