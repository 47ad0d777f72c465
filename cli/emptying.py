"""Emptying an audience that is not declared any more: a mirror of nobody, which waits for an approval."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from activation.drops.folder_manifest import ManifestReading, manifest_text
from activation.model import Action, Drop

from cli.known_audiences import known_audiences
from cli.typed import typed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from cli.deployment import Deployment


def empty(s3: S3Client, app: Deployment, declared: Mapping[str, Any]) -> Iterator[str]:
    """Drop a mirror of nobody for each audience of a declaration, and yield what happens next."""
    for to in declared["to"]:
        connector, audience = to["connector"], to["audience"]
        if declared.get("action", Action.MIRROR) != Action.MIRROR:
            yield f"{audience} is no mirror: delete it at {connector}'s platform to empty it"
            continue
        known = known_audiences(app.ledger_table, platform=app.platforms.get(connector, ""), name=audience)
        if any(not one.why_no_replace for one in known):
            why = "is replaced as a whole, which a platform does not do by nobody"
            yield f"{audience} {why}: delete it at the platform of {connector}"
            continue
        folder = f"{connector}/{audience}/raw/{Action.MIRROR}/emptied-{datetime.now(UTC):%Y%m%dT%H%M%SZ}/"
        body = _no_rows(tuple(declared["columns"]))
        s3.put_object(Bucket=app.drops_bucket, Key=f"{folder}part-00000.parquet", Body=body)
        reading = ManifestReading(tuple(declared["columns"].items()))
        manifest = manifest_text(app.drops_bucket, [(f"{folder}part-00000.parquet", len(body))], reading)
        key = f"{folder}manifest"
        put = s3.put_object(Bucket=app.drops_bucket, Key=key, Body=manifest.encode())
        run_id = Drop(app.drops_bucket, key, put["VersionId"], "", 0).run_id(connector)
        yield f"{audience} is emptied once you approve it: {typed('audiences', 'approve', run_id)}"


def _no_rows(columns: tuple[str, ...]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.schema([(name, pa.string()) for name in columns]).empty_table(), file)
    return file.getvalue()
