"""`activation drop`: upload a file under the key of its audience."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


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
    import boto3
    from activation.drops.locate import locate as read_key
    from activation.errors import Rejected
    from activation.identifiers.column_map import parse, to_metadata
    from activation.model import Drop
    from rich.progress import Progress

    from cli import deployment
    from cli.connectors import NoConnector, connector_of
    from cli.country import known_order
    from cli.keys import drop_key
    from cli.mapping import check_against
    from cli.typed import typed

    key = drop_key(connector, audience, identifiers, action, file.name)
    try:
        named = connector_of(connector)
        located = read_key(
            key, connector=connector, table=named.platform.table, actions=named.platform.limits.actions
        )
        said = parse(column_map or [])
        metadata = to_metadata(said, known_order(date_order))
        if said:
            check_against(file, named, located.kind, said)
    except (Rejected, NoConnector) as error:
        deployment.fail(f"{error.code}: {error.sentence}")
    bucket = deployment.find().drops_bucket
    client = boto3.client("s3")
    with Progress(transient=True, disable=as_json) as progress:
        task = progress.add_task("uploading", total=file.stat().st_size)
        client.upload_file(
            str(file),
            bucket,
            key,
            ExtraArgs={"Metadata": metadata} if metadata else None,
            Callback=lambda sent: progress.update(task, advance=sent),
        )
    version = client.head_object(Bucket=bucket, Key=key).get("VersionId", "")
    run_id = Drop(bucket, key, version, "", file.stat().st_size).run_id(connector)
    if as_json:
        print(json.dumps({"bucket": bucket, "key": key, "version_id": version, "run_id": run_id}))
    else:
        print(f"s3://{bucket}/{key}\nrun {run_id}: {typed('receipt', run_id)}")
