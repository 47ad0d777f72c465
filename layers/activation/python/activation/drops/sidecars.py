"""Which objects are no data: what tools write beside their files, and what says that a folder is complete.

The tools' own pages, read 2026-11-29: Redshift's manifest
(https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html), Athena's metadata and manifests
(https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html), DynamoDB's
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html), Entity Resolution's
folder of errors (https://docs.aws.amazon.com/entityresolution/latest/userguide/create-matching-workflow.html).
`_$folder$`, `_temporary` and `.crc` are Hadoop's, `_started` and `_committed` Databricks'. DynamoDB writes a
`_started` as well.
"""

from __future__ import annotations

import re

SUCCESS = "_success"
_MANIFEST = re.compile(r".*manifest(\.json)?\Z")
# DynamoDB's own: it lists no files, and the items are in a form that is not read.
DYNAMODB_SUMMARY = "manifest-summary.json"

_ENDINGS = (".metadata", "-manifest.csv", "_$folder$", ".crc", ".md5", ".checksum")
_NAMES = frozenset(("_metadata", "_common_metadata", "manifest-files.json"))
EXPORT_MANIFEST = (
    "sync.manifest"  # closes a folder that the sync wrote, which deletes all of it: lambdas/sync/ended.py
)
# Closes a folder that a query of Clean Rooms or `normalize` wrote. Athena, Spark and Arrow pass over names that
# begin with "_", so that the folder is a data set to them.
WRITTEN_MANIFEST = "_manifest.json"
AUDIENCE_FILE = "_audience.json"  # says what an audience is like; in other letters it is none, and is refused
# RDS and Aurora describe a snapshot's export beside it.
_RDS = re.compile(r"export_(tables_)?info_.*\.json\Z")
_FOLDERS = frozenset(("error", "processing-failed", "format-conversion-failed"))
# Any other name that begins with "_" is somebody's export, which must not be passed over in silence.
_HIDDEN = (".", "_temporary", "_started", "_committed", "_delta_log", "_spark_metadata",
           "_symlink_format_manifest", "_tmp", "_staging", "_activation")  # fmt: skip


def is_sidecar(name: str) -> bool:
    """Return whether a file of this name is no data; "" is the mark of a folder."""
    lower = name.lower()
    return (
        not name
        or name == AUDIENCE_FILE
        or lower in _NAMES
        or lower.endswith(_ENDINGS)
        or lower.startswith(_HIDDEN)
        or _RDS.match(lower) is not None
    )


def is_sidecar_folder(name: str) -> bool:
    """Return whether nothing below a folder of this name is data."""
    lower = name.lower()
    return lower in _FOLDERS or lower.startswith(_HIDDEN)


def is_manifest(name: str) -> bool:
    """Return whether a file of this name lists the files of its folder: Redshift's manifest, or our own."""
    return _MANIFEST.match(name.lower()) is not None


def is_sign(name: str) -> bool:
    """Return whether a file of this name says that its folder is complete."""
    return name.lower() in (SUCCESS, DYNAMODB_SUMMARY) or is_manifest(name)
