"""`activation drop`: upload a file under the key of its audience, or a folder whose files are one drop."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.completion import connectors

if TYPE_CHECKING:
    from activation.drops.folder_manifest import ManifestReading
    from activation.errors import Rejected
    from activation.identifiers.column_map import Entries
    from activation.model import RunWarning

    from cli.deployment import Deployment
    from cli.dry_run import Content, DryRun
    from cli.local_files import LocalFiles
    from cli.upload import Upload

WAITS_S = 6 * 3_600.0  # of --wait; a run may take days, if the platform is out of order
ADDS_NOTHING_ELSE = ("replace", "mirror")  # actions by which the rest of the file would leave the audience


def drop(
    files: Annotated[
        list[Path],
        typer.Argument(exists=True, metavar="FILE|FOLDER", help="The file, or the folder or files of one drop."),
    ],
    connector: Annotated[
        str, typer.Option(autocompletion=connectors, help="The connector's name in cdk.context.json.")
    ],
    audience: Annotated[str, typer.Option(help="The audience's name in the ad account.")],
    identifiers: Annotated[
        str,
        typer.Option(
            help="What the file holds: raw (the default), hashed, a type such as email_sha256, or events."
        ),
    ] = "",
    action: Annotated[
        str, typer.Option(help="add (the default), remove, replace or mirror, where the platform offers it.")
    ] = "",
    first: Annotated[
        int, typer.Option(min=0, max=10_000, help="Upload only so many first rows, as a file of its own.")
    ] = 0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Plan the file first; upload nothing if that warns, and exit 1.")
    ] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Upload also what a run would refuse by what is known now.")
    ] = False,
    column_map: Annotated[
        list[str] | None,
        typer.Option("--map", help='What a column is, as "E-MAIL-ADRESSE=email"; repeat it for others.'),
    ] = None,
    date_order: Annotated[str, typer.Option(help="Of dates in numbers: dmy, mdy or ymd.")] = "",
    time_zone: Annotated[str, typer.Option(help="Of times without one, such as Europe/Berlin.")] = "",
    encoding: Annotated[
        str, typer.Option(help="Of a CSV or TSV file, instead of the connector's setting, such as windows-1252.")
    ] = "",
    folder: Annotated[
        str, typer.Option(help="The folder's name in the bucket, instead of the local one's with the time.")
    ] = "",
    waits: Annotated[
        bool, typer.Option("--wait", help="Watch the run until it ends, print its receipt, and exit by its state.")
    ] = False,
    plans: Annotated[
        bool, typer.Option("--plan", help="Only print what a run would send, reject and cost; upload nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check the drop's key, its columns and first rows, then upload the file; exit 1 if a run would refuse it.

    The files of a folder, or several files, become one drop with one run: a manifest is uploaded after them, which
    lists them and begins it. So does a mirror of one file. `--map`, `--date-order`, `--time-zone` and `--encoding`
    hold for this drop alone: they travel with a file as its object metadata, and with a folder in its manifest.
    """
    from activation.drops.folder_manifest import refuse_other_platform
    from activation.drops.locate import locate as read_key
    from activation.errors import ConfigError, Rejected
    from activation.identifiers.column_map import parse
    from activation.model import Drop

    from cli import deployment
    from cli.audience_options import with_options
    from cli.connectors import NoConnector, connector_of
    from cli.dry_run import DryRun
    from cli.first_rows import first_name, first_of
    from cli.keys import check_files, check_name, drop_key, key_refused
    from cli.local_files import local_files
    from cli.mapping import check_against
    from cli.upload import Upload

    _refuse_options(action, first=first > 0, waits=waits, plans=plans, as_json=as_json)
    if plans:
        _plan(
            files,
            connector,
            audience,
            identifiers,
            action,
            column_map=column_map,
            date_order=date_order,
            time_zone=time_zone,
            encoding=encoding,
            folder=folder,
            strict=strict,
            as_json=as_json,
        )
        return
    # A mirror is a folder with a sign, also if it is one file.
    local = local_files(files, as_folder=bool(folder) or action.lower() == "mirror")
    name = first_name(local.paths[0][1].name, first) if first else _dropped_as(local, folder)
    key = drop_key(connector, audience, local.kind(identifiers), action, name)
    source = local.content()
    try:
        named = connector_of(connector, of_app=True)
        located = read_key(
            key,
            connector=connector,
            table=named.platform.table,
            actions=named.platform.limits.actions,
            allowed=named.actions,
        )
        check_name(located, is_folder=local.is_folder and not first)
        if local.is_folder and not first:
            check_files(named, key, local)
            refuse_other_platform(local.platform, named.platform.name)
        located = with_options(located, named, None)
        said = local.said(parse(column_map or []))
        read_as = _read_as(local, said, date_order, time_zone, encoding)
        run = DryRun.of(
            located,
            named,
            date_order=read_as.date_order,
            said=said,
            time_zone=read_as.time_zone,
            encoding=read_as.encoding,
        )
        if said:
            check_against(run, source)
        elif local.is_folder:
            run.open(source)  # raises where the files have different headers
        if first:
            source = first_of(run.open(source), first)
        found, doubts = _found(run, source, is_part=first > 0, strict=strict)
        upload = Upload(local, source, key, read_as)
        upload.check()
    except (Rejected, NoConnector, ConfigError) as error:
        deployment.fail(f"{error.code}: {key_refused(error, local, name)}")
    _tell(found, doubts, upload, strict=strict)
    app = deployment.find() if anyway else _ready(run, source, lambda error: key_refused(error, local, name))
    _refuse_unread_encoding(app, read_as.encoding)
    bucket = app.drops_bucket
    version = upload.to(bucket, quiet=as_json)
    _say(
        upload, bucket, version, Drop(bucket, key, version, "", 0).run_id(connector), as_json=as_json, waits=waits
    )


def _read_as(local: LocalFiles, said: Entries, date_order: str, time_zone: str, encoding: str) -> ManifestReading:
    """Return what is said of this drop alone: by the command, else by the folder's own manifest."""
    from activation.drops.folder_manifest import ManifestReading

    from cli.country import known_encoding, known_order, known_zone

    return ManifestReading(
        said,
        known_order(date_order) or local.date_order,
        known_zone(time_zone) or local.time_zone,
        local.platform,
        known_encoding(encoding) or local.encoding,
    )


def _refuse_options(action: str, *, first: bool, waits: bool, plans: bool, as_json: bool) -> None:
    """End the command with a usage error for options that contradict each other."""
    if plans and (first or waits):
        raise typer.BadParameter("uploads nothing: leave out --first and --wait", param_hint="--plan")
    if waits and as_json:
        raise typer.BadParameter(
            "shows progress: leave out --json, and ask `receipt RUN --json`", param_hint="--wait"
        )
    if first and action.lower() in ADDS_NOTHING_ELSE:
        raise typer.BadParameter(f"a {action.lower()} of a part of the file would take out everybody else")


def _dropped_as(local: LocalFiles, folder: str) -> str:
    """Return the last part of the drop's key: the file's name, or the folder's with its manifest."""
    from cli.local_files import folder_name
    from cli.upload import MANIFEST

    return f"{folder_name(folder, local)}/{MANIFEST}" if local.is_folder else local.name


def _plan(*arguments: Any, **options: Any) -> None:
    """Plan the drop instead, as `activation plan` does."""
    from cli.plan import plan

    plan(*arguments, **options)


def _tell(found: list[str], doubts: list[RunWarning], upload: Upload, *, strict: bool) -> None:
    """Print what the keys and the encoding are warned for; end the command for what a plan `found`.

    With `strict`, end it for such a warning too.
    """
    from activation.drops.key_names import of_keys

    from cli import deployment
    from cli.printable import printable

    warned = [printable(f"warning  {one.code}: {one.sentence}") for one in (*of_keys(upload.keys), *doubts)]
    if found or (strict and warned):
        deployment.fail("\n".join((*found, *warned, "nothing was uploaded")))
    if warned:
        print("\n".join(warned), file=sys.stderr)


def _ready(run: DryRun, source: Content, says: Callable[[Rejected], str]) -> Deployment:
    """Return the deployed app; end the command where it is known that a run would refuse the drop.

    `says` returns the sentence of a refusal.
    """
    from cli import deployment
    from cli.mirrored import mirrored_refusal

    def ready(refused: Rejected | None) -> None:
        if refused is not None:
            why = f"{refused.code}: {says(refused)}"
            deployment.fail(f"{why}\nnothing was uploaded; --anyway uploads it all the same")

    ready(run.refused_at_once(source))
    app = deployment.find()
    ready(mirrored_refusal(app, run.connector, run.located.audience))
    return app


def _refuse_unread_encoding(app: Deployment, encoding: str) -> None:
    """End the command where the deployed release would read the drop in the connector's encoding instead."""
    from cli import deployment

    if encoding and not app.app.get("own_encoding"):
        deployment.fail(
            "the deployed release reads no encoding of a drop's own: deploy this release, or leave out --encoding "
            "and set the connector's; nothing was uploaded"
        )


def _say(upload: Upload, bucket: str, version: str, run_id: str, *, as_json: bool, waits: bool) -> None:
    """Print what was uploaded and which run it begins; with `waits`, watch that and exit by its state."""
    from cli.local_files import left_out_text
    from cli.printable import counted, printable
    from cli.runs.run import follow
    from cli.typed import typed

    folder = upload.local.described if upload.is_folder else {}
    if as_json:
        told = {"bucket": bucket, "key": upload.key, "version_id": version, "run_id": run_id, **folder}
        print(json.dumps(told, ensure_ascii=False))
        return
    if folder:
        print(
            printable(
                "; ".join(filter(None, (f"{counted(folder['files'], 'file')} uploaded", left_out_text(folder))))
            )
        )
    print(f"s3://{bucket}/{upload.key}\nrun {run_id}: {typed('receipt', run_id)}", flush=True)
    if waits:
        follow(run_id, within_s=WAITS_S, appears=True)


def _found(run: DryRun, source: Content, *, is_part: bool, strict: bool) -> tuple[list[str], list[RunWarning]]:
    """Return why a plan of the drop is refused and what it warns of, if `strict`; and doubts of its encoding.

    That a part of the file is small is no warning.
    """
    from cli.encoding_doubts import encoding_doubts
    from cli.verdict import warnings

    doubts = encoding_doubts(run, source)
    if not strict:
        return [], doubts
    sums = run.over(source)
    warned = [one for one in warnings(run, sums) if not (is_part and one.code == "audience_small")]
    refused = [f"refused  {sums.refusal.code}: {sums.refusal.sentence}"] if sums.refusal else []
    return [*refused, *(f"warning  {one.code}: {one.sentence}" for one in warned)], doubts
