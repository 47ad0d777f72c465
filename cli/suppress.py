"""`activation suppress`: put people on a suppression list, or take them off it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from activation.drops.chunk import DropReader
    from activation.drops.locate import Located

    from cli.list_plan import ListPlan
    from cli.local_files import LocalFiles


def suppress(
    files: Annotated[
        list[Path],
        typer.Argument(exists=True, metavar="FILE|FOLDER", help="The file, or the folder or files of one drop."),
    ],
    name: Annotated[str, typer.Option("--list", help="The list's name, one of yours.")],
    identifiers: Annotated[
        str,
        typer.Option(help="What the file holds: raw (the default), email, phone, or hashed_ and a platform."),
    ] = "",
    lift: Annotated[bool, typer.Option("--lift", help="Take the people of the file off the list.")] = False,
    only_plan: Annotated[
        bool, typer.Option("--plan", help="Say what the file would do to the list; upload nothing.")
    ] = False,
    column_map: Annotated[
        list[str] | None,
        typer.Option("--map", help='What a column is, as "E-MAIL-ADRESSE=email"; repeat it for others.'),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read a file of people who must not be reached, then upload it for a suppression list.

    The whole file is read first, as the deployed function reads it: if it would leave the list as it is, nothing
    is uploaded and the exit code is 1. Once the drop's receipt is there, no request holds anybody of the list.
    """
    from activation.drops.folder_manifest import ManifestReading
    from activation.errors import ConfigError, Rejected
    from activation.identifiers.column_map import parse
    from activation.model import Drop

    from cli import deployment
    from cli.connectors import NoConnector, connectors, settings
    from cli.keys import drop_key, key_refused
    from cli.list_plan import ListPlan, contexts_of
    from cli.local_files import folder_name, local_files
    from cli.upload import MANIFEST, Upload
    from lambdas.suppressions.list_drop import refuse_made_for
    from stacks.names import SUPPRESSIONS

    local = local_files(files)
    file = f"{folder_name('', local)}/{MANIFEST}" if local.is_folder else local.name
    key = drop_key(
        SUPPRESSIONS, name, local.kind(identifiers), "remove" if lift else "", file, audience_option="list"
    )
    found = None if only_plan else deployment.find()
    if found is not None and found.lists is None:
        deployment.fail("this deployment reads no suppression lists yet: deploy this release of the app")
    try:
        located = _located(key, local)
        refuse_made_for(local.platform, located.kind)
        said = local.said(parse(column_map or []))
        contexts, read = contexts_of(connectors(found).values()), settings()
        most_rows = read.suppressions.most_rows if read else 0
        plan = ListPlan.over(_reader(located, local), located, contexts, said, most_rows=most_rows)
        upload = Upload(
            local,
            local.content(),
            key,
            ManifestReading(said, local.date_order, local.time_zone, local.platform, local.encoding),
        )
        upload.check()
    except (Rejected, NoConnector, ConfigError) as error:
        deployment.fail(f"{error.code}: {key_refused(error, local, file)}")
    if only_plan or plan.refused is not None or found is None:
        _print(plan, key, as_json=as_json)
        if not only_plan:
            deployment.fail("nothing was uploaded")
        raise typer.Exit(1 if plan.refused else 0)
    version = upload.to(found.drops_bucket, quiet=as_json)
    run_id = Drop(found.drops_bucket, key, version, "", 0).run_id(SUPPRESSIONS)
    _say(plan, found.drops_bucket, key, version, run_id, as_json=as_json)


def _located(key: str, local: LocalFiles) -> Located:
    """Return how the key is read; raises Rejected as the function would."""
    from activation.drops.locate import locate

    from cli.connectors import NamedConnector
    from cli.keys import check_files, check_name
    from lambdas.suppressions.lists import LISTS

    lists = NamedConnector(LISTS.name, LISTS)
    located = locate(key, connector=LISTS.name, table=LISTS.table, actions=LISTS.limits.actions)
    check_name(located, is_folder=local.is_folder)
    if local.is_folder:
        check_files(lists, key, local)
    return located


def _reader(located: Located, local: LocalFiles) -> DropReader:
    from cli.connectors import NamedConnector
    from cli.dry_run import DryRun
    from lambdas.suppressions.lists import LISTS

    return DryRun.of(located, NamedConnector(LISTS.name, LISTS), encoding=local.encoding).open(local.content())


def _print(plan: ListPlan, key: str, *, as_json: bool) -> None:
    from cli.printable import counted, printable

    if as_json:
        print(json.dumps(plan.document(key), ensure_ascii=False))
        return
    for column, field in plan.columns.items():
        print(f"column   {printable(column)}: {field}")
    if plan.ignored_columns:
        print(f"not used {', '.join(map(printable, plan.ignored_columns))}")
    print(f"rows     {plan.rows:,}: {counted(plan.named, 'row')} with somebody")
    for code, count in sorted(plan.rejected.items()):
        print(f"rejected {code}: {count:,}")
    for platform, count in plan.identifiers.items():
        print(f"{platform}: {counted(count, 'identifier')}")
    if plan.refused is not None:
        print(f"refused  {plan.refused.code}: {printable(plan.refused.sentence)}")


def _say(plan: ListPlan, bucket: str, key: str, version: str, run_id: str, *, as_json: bool) -> None:
    from cli.printable import printable
    from cli.typed import typed

    if as_json:
        told = plan.document(key) | {"bucket": bucket, "version_id": version, "run_id": run_id}
        print(json.dumps(told, ensure_ascii=False))
        return
    _print(plan, key, as_json=False)
    print(printable(f"s3://{bucket}/{key}"))
    print(f"run {run_id}: {typed('receipt', run_id)}")
