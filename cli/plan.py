"""`activation plan`: what a drop would send, without sending anything."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.completion import connectors

if TYPE_CHECKING:
    from activation.drops.locate import Located
    from activation.errors import Rejected

    from cli.connectors import NamedConnector
    from cli.dry_run import DryRun
    from cli.dry_run_sums import Found, Sums
    from cli.local_files import LocalFiles


def plan(
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
    default_country: Annotated[
        str, typer.Option(help="ISO country code for national phone numbers, instead of the connector's setting.")
    ] = "",
    column_map: Annotated[
        list[str] | None,
        typer.Option("--map", help='What a column is, as "E-MAIL-ADRESSE=email"; repeat it for others.'),
    ] = None,
    date_order: Annotated[
        str, typer.Option(help="How dates are written, instead of the connector's setting: dmy, mdy or ymd.")
    ] = "",
    time_zone: Annotated[
        str, typer.Option(help="The IANA zone of times without one, instead of the connector's setting.")
    ] = "",
    encoding: Annotated[
        str, typer.Option(help="The encoding of a CSV or TSV file, instead of the connector's setting.")
    ] = "",
    rows: Annotated[
        int,
        typer.Option(min=0, max=100, help="Also show the cells of so many first rows: the people in your file."),
    ] = 0,
    folder: Annotated[
        str, typer.Option(help="The folder's name in the bucket, as for drop; the local one's by default.")
    ] = "",
    options: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="The audience's _audience.json, as it is or will be in the drops bucket.",
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 for a warning, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read a file as the connector would and show what a run would send; exit 1 if the run would fail.

    A folder, or several files, are read as one drop. Nothing leaves this machine. Of a mirror it also says how
    many would join and leave, as far as your rights in AWS allow, and exits 1 where the guard would stop it. Rows,
    rejects and left-out cells are counted, and the requests are built and measured; minutes and dollars are
    estimates. `--map` says what a column is (email, phone, ignore and the names of `activation columns`), or what
    every row has, as country=US. With --options the audience's own options are read as a run would read them, and
    shown. With --rows the cells are shown, one by one, as they are in the file, as they are normalised and as they
    would be sent; never without it.
    """
    from activation.drops.locate import locate as read_key
    from activation.errors import ConfigError, Rejected
    from activation.identifiers.column_map import parse
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from cli.audience_options import with_options
    from cli.connectors import NoConnector, connector_of
    from cli.country import country_option, known_encoding, known_order, known_zone
    from cli.dry_run import DryRun
    from cli.encoding_doubts import encoding_doubts
    from cli.keys import drop_key, key_refused
    from cli.local_files import folder_name, local_files
    from cli.plan_table import print_plan
    from cli.preview import preview, print_preview

    local = local_files(files, as_folder=bool(folder) or action.lower() == "mirror")
    name = f"{folder_name(folder or local.name, local)}/" if local.is_folder else local.name
    key = drop_key(connector, audience, local.kind(identifiers), action, name)
    try:
        named = connector_of(connector)
        located = read_key(
            key,
            connector=connector,
            table=named.platform.table,
            actions=named.platform.limits.actions,
            allowed=named.actions,
        )
        _check_name(named, located, key, local)
        said = local.said(parse(column_map or []))
        located = with_options(located, named, options)
    except (Rejected, NoConnector) as error:
        _refuse(key, error.code, key_refused(error, local, name), as_json)
    run = DryRun.of(
        located,
        named,
        country_option(default_country),
        known_order(date_order) or local.date_order,
        said,
        time_zone=known_zone(time_zone) or local.time_zone,
        encoding=known_encoding(encoding) or local.encoding,
    )
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=as_json or not console.is_terminal) as bar:
        task = bar.add_task("reading", total=local.size_bytes)
        try:
            sums = run.over(local.content(lambda reached: bar.update(task, completed=reached)))
        except ConfigError as error:
            _refuse(key, error.code, error.sentence, as_json)
    folder_of = {"folder": local.described} if local.is_folder else {}
    report = report_of(key, run, sums) | folder_of | audience_of(run, sums, local)
    if sums.refusal is None:
        report["warnings"] += [asdict(one) for one in encoding_doubts(run, local.content())]
    shown = preview(run, local.content(), rows)
    if as_json:
        cells = {"preview": [asdict(one) for one in shown]} if rows else {}
        print(json.dumps(report | cells, ensure_ascii=False))
    else:
        print_plan(report)
        print_preview(shown)
    stopped = sums.refusal or report.get("mirror", {}).get("guard")
    raise typer.Exit(1 if stopped or (strict and report["warnings"]) else 0)


def _check_name(named: NamedConnector, located: Located, key: str, local: LocalFiles) -> None:
    """Raise Rejected where the app would refuse the drop for its name, or for another platform's digests."""
    from activation.drops.folder_manifest import refuse_other_platform

    from cli.keys import check_files, check_name

    if not local.is_folder:
        check_name(located, is_folder=False)
        return
    check_files(named, key, local)
    refuse_other_platform(local.platform, named.platform.name)


def report_of(key: str, run: DryRun, sums: Sums) -> dict[str, Any]:
    """Return what a run of the drop under `key` would send and leave out, as `--json` prints it."""
    from activation.identifiers.column_map import shown_entries
    from activation.platforms.audience_options import shown_options

    from cli.audience_options import options_mean
    from cli.forecast import forecast
    from cli.verdict import warnings

    expected = forecast(run, sums)
    audience = run.located.audience
    left_out: dict[str, dict[str, Any]] = {}
    for (field, code), found in sums.left_out.items():
        left_out.setdefault(field, {})[code] = _found(found, sums, "cells")
    return {
        "key": key,
        "connector": audience.connector,
        "platform": run.connector.platform.name,
        "audience": audience.name,
        "holds": "people" if run.platform.table.events is None else "events",
        "action": audience.action.value,
        "options": shown_options(audience.options),
        "options_mean": options_mean(run.platform, audience.options),
        "format": sums.format,
        "refused": _reason(sums.refusal),
        "columns": dict(sums.columns),
        "date_order": sums.date_order,
        "ignored_columns": list(sums.ignored_columns),
        "proposed_columns": dict(sums.proposed_columns),
        "others_columns": dict(sums.others_columns),
        "mapping": shown_entries(run.connector_columns, run.own_columns),
        "rows": sums.rows,
        "rows_mended": sums.mended,
        "rows_sent": sums.sent,
        "rows_rejected": sum(found.count for found in sums.rejected.values()),
        "rejected": {code: _found(found, sums, "rows") for code, found in sums.rejected.items()},
        "cells_left_out": left_out,
        "people": run.people(sums),
        "people_exact": sums.people.is_exact,
        "batches": sums.batches,
        "identifiers": dict(sorted(sums.identifiers.items())),
        "requests": sums.uploads,
        "bytes": sums.body_bytes,
        "minutes": {tier: round(minutes, 2) for tier, minutes in expected.minutes.items()},
        "minutes_source": {tier: one.source for tier, one in run.tiers.items()},
        "dollars": {
            "lambda": round(expected.cost.lambda_usd, 6),
            "dynamodb": round(expected.cost.dynamodb_usd, 6),
            "total": round(expected.cost.total_usd, 6),
        },
        "warnings": [asdict(one) for one in warnings(run, sums)],
    }


def audience_of(run: DryRun, sums: Sums, local: LocalFiles, account: str = "") -> dict[str, Any]:
    """Return what the report says of the audience of a mirror or a replace, nothing for any other drop.

    That is the run that works on it now, which this drop waits for, and how a mirror would change it. `account` is
    the ad account that the drop names, "" for the connector's own.
    """
    from activation.model import SNAPSHOTS, Action

    action = run.located.audience.action
    if action not in SNAPSHOTS or sums.refusal:
        return {}
    from cli.mirror_plan import known_of, mirror_plan

    known = known_of(run, account)
    found = {"run_under_way": known.holder} if not isinstance(known, str) and known.holder else {}
    return found | ({"mirror": mirror_plan(run, local.content(), known)} if action is Action.MIRROR else {})


def _found(found: Found, sums: Sums, counted: str) -> dict[str, Any]:
    """Return a count with its first rows, in a folder also with the files that hold them."""
    places = sums.places(found.first_rows)
    return {
        counted: found.count,
        "first_rows": list(found.first_rows),
        **({"first_places": places} if places else {}),
    }


def _reason(error: Rejected | None) -> dict[str, str] | None:
    return None if error is None else {"code": error.code, "sentence": error.sentence}


def _refuse(key: str, code: str, sentence: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"key": key, "refused": {"code": code, "sentence": sentence}}, ensure_ascii=False))
    else:
        print(f"{code}: {sentence}")
    raise typer.Exit(1)
