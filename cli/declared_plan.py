"""`activation audiences plan`: who would join and leave a declared audience, by what its source says now."""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from activation.errors import ActivationError

    from lambdas.sync.declaration import Declaration, Declarations, Target
    from lambdas.sync.source import Extract, Source
    from lambdas.sync.sources import Sources

File = Annotated[Path, typer.Option("--file", help="The file of declarations.")]
MOST_S = 900.0  # as the function has


@dataclass(frozen=True)
class LocalParts:
    """Parts in a folder of this machine: see lambdas.sync.source.Destination."""

    folder: Path
    bucket: str = ""
    prefix: str = ""

    @contextmanager
    def create(self, key: str) -> Iterator[IO[bytes]]:
        """Write a part."""
        with (self.folder / key).open("wb") as file:
            yield file


def plan(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="Declarations, and rows of tables (cdp:kangoo); all declarations by default."
        ),
    ] = None,
    file: File = Path("audiences.yml"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per audience.")] = False,
) -> None:
    """Select the people as a slot would, and show what would become of them; exit 1 if a run would stop.

    The source is only read, from this machine, and nothing is sent. It shows who would join and leave, as far as
    your rights in AWS allow, whom the source leaves out, requests, minutes and dollars, and what the guard says.
    """
    from activation.errors import ActivationError

    from cli.declared import find_sync, read_checked
    from lambdas.sync.sources import Sources

    declared = read_checked(file).declarations
    sources = Sources.of(find_sync().sources)
    planned, wrong = _named(names, declared, sources, file) if names else (list(declared.audiences), {})
    for name, error in wrong.items():
        _print_failed(name, error, as_json=as_json)
    stopped = bool(wrong)
    for one in planned:
        with tempfile.TemporaryDirectory() as folder:
            try:
                source = _readable(sources.source(declared.source(one.source)))
                into = LocalParts(Path(folder))
                extract = source.extract(one.selection, into, time.time() + MOST_S, uuid.uuid4().hex)
            except ActivationError as error:
                stopped = True
                _print_failed(one.name, error, as_json=as_json)
                continue
            for target in one.to:
                report = _report(one, target, extract, Path(folder))
                stopped |= bool(report["refused"] or report.get("mirror", {}).get("guard"))
                _print(report, as_json=as_json)
    raise typer.Exit(1 if stopped else 0)


def _named(
    names: Sequence[str], declared: Declarations, sources: Sources, file: Path
) -> tuple[list[Declaration], dict[str, ActivationError]]:
    """Return the declarations of these names, and why rows of these names declare nothing; raises FailedError.

    Tables are read only for a name that the file itself does not declare.
    """
    from cli import deployment
    from cli.declared import accounts_here
    from cli.declared_rows import read_rows

    known = {one.name: one for one in declared.audiences}
    wrong: dict[str, ActivationError] = {}
    if declared.tables and not known.keys() >= set(names):
        rows = read_rows(declared, sources, accounts_here())
        known |= rows.declared
        wrong = {name: error for name in names if name not in known and (error := rows.why_not(name))}
    if unknown := [name for name in names if name not in known and name not in wrong]:
        of_tables = " and the rows of its tables" if declared.tables else ""
        deployment.fail(
            f"{file.name}{of_tables} declares no {', '.join(unknown)}; declared are {', '.join(sorted(known))}"
        )
    return [known[name] for name in names if name in known], wrong


def _readable(source: Source) -> Source:
    """Return a source that writes into a folder of this machine."""
    from cli.declared_lake import LakeReader
    from lambdas.sync.extract.athena import AthenaSource

    return LakeReader(source) if isinstance(source, AthenaSource) else source


def _report(declaration: Declaration, target: Target, extract: Extract, folder: Path) -> dict[str, Any]:
    """Return the plan of one audience: that of a drop of these files, and what the source left out."""
    from activation.drops.locate import locate as read_key
    from activation.errors import Rejected

    from cli.audience_options import with_options
    from cli.connectors import connector_of
    from cli.dry_run import DryRun
    from cli.local_files import LocalFiles
    from cli.plan import audience_of, report_of
    from lambdas.sync.audience_file import options_of
    from lambdas.sync.export import MANIFEST, columns_of, folder_of

    key, named = folder_of(declaration, target, "plan") + MANIFEST, connector_of(target.connector)
    paths = tuple((part.key, folder / part.key) for part in extract.parts)
    local = LocalFiles("plan", paths, is_folder=True, columns=columns_of(declaration))
    told = {
        "declaration": declaration.name,
        "rows_selected": extract.rows_read,
        "left_out": dict(sorted(extract.left_out.items())),
    }
    try:
        located = read_key(
            key,
            connector=target.connector,
            table=named.platform.table,
            actions=named.platform.limits.actions,
            allowed=named.actions,
        )
        with tempfile.NamedTemporaryFile("w", suffix=".json") as options:
            json.dump(options_of(declaration, target), options)
            options.flush()
            located = with_options(located, named, Path(options.name))
    except Rejected as error:
        return told | {"key": key, "refused": {"code": error.code, "sentence": error.sentence}}
    run = DryRun.of(located, named, said=local.columns)
    sums = run.over(local.content())
    return (
        told
        | report_of(key, run, sums)
        | {"folder": local.described}
        | audience_of(run, sums, local, target.account)
    )


def _print(report: dict[str, Any], *, as_json: bool) -> None:
    from cli.plan_table import print_plan

    if as_json:
        print(json.dumps(report, ensure_ascii=False))
        return
    left_out = ", ".join(f"{code} {rows:,}" for code, rows in report["left_out"].items())
    print(f"{report['declaration']}: {report['rows_selected']:,} rows selected{_and('; left out: ', left_out)}")
    if "connector" in report:
        print_plan(report)
    else:
        print(f"refused  {report['refused']['code']}: {report['refused']['sentence']}")


def _print_failed(name: str, error: ActivationError, *, as_json: bool) -> None:
    failed = {"declaration": name, "refused": {"code": error.code, "sentence": error.sentence}}
    print(json.dumps(failed) if as_json else f"{name}: {error.code}: {error.sentence}")


def _and(before: str, text: str) -> str:
    return before + text if text else ""
