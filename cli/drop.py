"""`activation drop`: upload a file under the key of its audience."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from activation.drops.chunk import ByteSource

    from cli.dry_run import DryRun

ADDS_NOTHING_ELSE = ("replace", "mirror")  # actions by which the rest of the file would leave the audience


def drop(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The file to upload.")],
    connector: Annotated[str, typer.Option(help="The connector's name in cdk.context.json.")],
    audience: Annotated[str, typer.Option(help="The audience's name in the ad account.")],
    identifiers: Annotated[
        str, typer.Option(help="What the file holds: raw, hashed, or one identifier type such as email_sha256.")
    ] = "raw",
    action: Annotated[
        str, typer.Option(help="add (the default), remove or replace, where the platform offers it.")
    ] = "",
    first: Annotated[
        int, typer.Option(min=0, max=10_000, help="Upload only so many first rows, as a file of its own.")
    ] = 0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Plan the file first; upload nothing if that warns, and exit 1.")
    ] = False,
    column_map: Annotated[
        list[str] | None,
        typer.Option("--map", help='What a column is, as "E-MAIL-ADRESSE=email"; repeat it for others.'),
    ] = None,
    date_order: Annotated[str, typer.Option(help="Of dates in numbers: dmy, mdy or ymd.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check the drop's key and its columns, then upload the file; exit 1 if either cannot be read.

    `--map` and `--date-order` hold for this file alone and travel with it as its object metadata.
    """
    from activation.drops.locate import locate as read_key
    from activation.drops.source import BytesSource, FileSource
    from activation.errors import ConfigError, Rejected
    from activation.identifiers.column_map import parse, to_metadata
    from activation.model import Drop

    from cli import deployment
    from cli.connectors import NoConnector, connector_of
    from cli.country import known_order
    from cli.dry_run import DryRun
    from cli.first_rows import first_name, first_rows
    from cli.keys import drop_key
    from cli.mapping import check_against
    from cli.typed import typed

    if first and action.lower() in ADDS_NOTHING_ELSE:
        raise typer.BadParameter(f"a {action.lower()} of a part of the file would take out everybody else")
    key = drop_key(connector, audience, identifiers, action, first_name(file.name, first) if first else file.name)
    source: ByteSource = FileSource(file)
    try:
        named = connector_of(connector)
        located = read_key(
            key,
            connector=connector,
            table=named.platform.table,
            actions=named.platform.limits.actions,
            allowed=named.actions,
        )
        said, order = parse(column_map or []), known_order(date_order)
        metadata = to_metadata(said, order)
        run = DryRun.of(located, named, date_order=order, said=said)
        if said:
            check_against(run, source)
        if first:
            source = BytesSource(first_rows(run.open(source), first))
        found = _found(run, source, is_part=first > 0) if strict else []
    except (Rejected, NoConnector, ConfigError) as error:
        deployment.fail(f"{error.code}: {error.sentence}")
    if found:
        deployment.fail("\n".join((*found, "nothing was uploaded")))
    bucket = deployment.find().drops_bucket
    version = _upload(source, file, bucket, key, metadata, quiet=as_json)
    run_id = Drop(bucket, key, version, "", source.size_bytes).run_id(connector)
    if as_json:
        print(json.dumps({"bucket": bucket, "key": key, "version_id": version, "run_id": run_id}))
    else:
        print(f"s3://{bucket}/{key}\nrun {run_id}: {typed('receipt', run_id)}")


def _upload(
    source: ByteSource, file: Path, bucket: str, key: str, metadata: Mapping[str, str], *, quiet: bool
) -> str:
    """Upload the file, or the first rows of it that `source` holds; return the object's version."""
    import boto3
    from activation.drops.source import BytesSource
    from rich.progress import Progress

    client = boto3.client("s3")
    more = {"Metadata": dict(metadata)} if metadata else None
    with Progress(transient=True, disable=quiet) as progress:
        task = progress.add_task("uploading", total=source.size_bytes)

        def uploaded(sent: int) -> None:
            progress.update(task, advance=sent)

        if isinstance(source, BytesSource):
            client.upload_fileobj(io.BytesIO(source.data), bucket, key, ExtraArgs=more, Callback=uploaded)
        else:
            client.upload_file(str(file), bucket, key, ExtraArgs=more, Callback=uploaded)
    return str(client.head_object(Bucket=bucket, Key=key).get("VersionId", ""))


def _found(run: DryRun, source: ByteSource, *, is_part: bool) -> list[str]:
    """Return why a plan of the drop is refused, and what it warns of: not that a part of the file is small."""
    from cli.verdict import warnings

    sums = run.over(source)
    warned = [one for one in warnings(run, sums) if not (is_part and one.code == "audience_small")]
    refused = [f"refused  {sums.refusal.code}: {sums.refusal.sentence}"] if sums.refusal else []
    return [*refused, *(f"warning  {one.code}: {one.sentence}" for one in warned)]
