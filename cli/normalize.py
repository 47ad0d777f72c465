"""`activation normalize`: an export of many files as a folder drop, by the same code as the Glue job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glue_scripts.normalize.report import Report


def normalize(
    mapping: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The mapping file, see docs/glue.md.")
    ],
    source: Annotated[
        Path, typer.Option("--input", exists=True, help="The export: a folder with its files, or one file.")
    ],
    output: Annotated[
        Path, typer.Option(file_okay=False, help="Where the drop's folder is made, below its connector's name.")
    ],
    folder: Annotated[
        str, typer.Option(help="The folder's name; by default the mapping's with the time in UTC.")
    ] = "",
    spark: Annotated[
        bool, typer.Option("--spark", help="Run as the Glue job does, by Spark on this machine's cores.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Map, filter, aggregate, normalise and deduplicate an export, and write it as a folder drop.

    Nothing leaves this machine. The drop's folder appears once it is complete, with its manifest, a report of what
    became of every row, and the rejects (row, column and code, never a value). Exit 1 if the mapping or the export
    cannot be used: then nothing is written. On one machine --spark is there to try the job: it needs more time
    than the same steps in one process.
    """
    from activation.errors import ActivationError

    from cli.connectors import NoConnector
    from cli.printable import console
    from glue_scripts.normalize.mapping_file import read_mapping
    from glue_scripts.normalize.run import normalize as run
    from glue_scripts.normalize.spark_session import local_session

    try:
        _refuse_other_connector(mapping)
        session = local_session if spark else None
        report = run(str(mapping), str(source), str(output), folder=folder, session=session)
    except (ActivationError, NoConnector) as error:
        _refuse(error, as_json)
    if as_json:
        print(json.dumps({**report.document, "folder": _folder(report, output)}, ensure_ascii=False))
        return
    platform = read_mapping(mapping.read_bytes()).target.platform
    console().print(_told(report, output, platform), markup=False, highlight=False, soft_wrap=True)


def _refuse_other_connector(mapping: Path) -> None:
    """Raise BadMapping where the settings here say that the target's connector is of another platform.

    Its digests would match hardly anybody. Without settings the manifest names the platform, and the connector
    compares it. Raises NoConnector for settings that cannot be read.
    """
    from cli.connectors import settings
    from glue_scripts.normalize.errors import BadMapping
    from glue_scripts.normalize.mapping_file import read_mapping

    if not (here := settings()):
        return
    target = read_mapping(mapping.read_bytes()).target
    for one in here.connectors:
        if one.name == target.connector and one.platform != target.platform:
            raise BadMapping([f"target.platform must be {one.platform}, which the connector {one.name} is"])


def _refuse(error: Any, as_json: bool) -> NoReturn:
    """End the command with an error: of a mapping, with each of its mistakes."""
    mistakes = list(getattr(error, "mistakes", ()))
    if as_json:
        found = {"code": error.code, "sentence": error.sentence, **({"mistakes": mistakes} if mistakes else {})}
        typer.echo(json.dumps({"error": found}, ensure_ascii=False), err=True)
    elif mistakes:
        typer.echo(f"{error.code}: {len(mistakes)} to correct in the mapping", err=True)
        for mistake in mistakes:
            typer.echo(f"  {mistake}", err=True)
    else:
        typer.echo(f"{error.code}: {error.sentence}", err=True)
    raise typer.Exit(1) from None


def _folder(report: Report, output: Path) -> str:
    return str(output / report.document["key"].rstrip("/"))


def _told(report: Report, output: Path, platform: str) -> str:
    """Return the report as people read it: where every row went, and what to do next."""
    from activation.platforms.discovery import platforms

    from cli.printable import counted
    from cli.typed import typed

    document = report.document
    lines = sums(document)
    lines += [f"warning: {one['code']}: {one['sentence']}" for one in document["warnings"]]
    parts = document["parts"]
    lines.append(f"{counted(len(parts), 'part')} in {_folder(report, output)}")
    if document["rejects"]:
        lines.append(f"rejects: {', '.join(document['rejects'])}")
    if platform not in platforms():
        lines.append(f"no connector of this app sends to {platform}: the folder is for another program to send")
        return "\n".join(lines)
    connector, audience, identifiers, *action = document["key"].rstrip("/").split("/")[:-1]
    options = ["--connector", connector, "--audience", audience]
    options += [] if identifiers == "raw" else ["--identifiers", identifiers]
    options += ["--action", *action] if action else []
    lines.append(f"next: {typed('drop', _folder(report, output), *options)}")
    return "\n".join(lines)


def sums(document: Mapping[str, Any]) -> list[str]:
    """Return the lines that say what became of an export's rows, groups and cells."""
    lines = []
    for name in ("rows", "groups"):
        for what, count in document.get(name, {}).items():
            lines += _counted(name, what, count)
    if mended := document["rows_mended"]:
        lines.append(f"rows mended: {mended:,}, which had blank cells too few or too many at their end")
    for field, codes in document["cells_left_out"].items():
        lines += [f"cells of {field} left out: {count:,} {code}" for code, count in codes.items()]
    return lines


def _counted(name: str, what: str, count: Any) -> list[str]:
    if isinstance(count, dict):
        return [f"{name} {what}: {each:,} {code}" for code, each in count.items()]
    if isinstance(count, list):
        by = "having" if what == "having" else "filters"
        return [f"{name} left out: {one['rows']:,} by {by}: {one['column']} {one['condition']}" for one in count]
    return [f"{name} {what}: {count:,}"]
