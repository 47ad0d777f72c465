"""`activation forget`: remove a person from every audience that the app has ever written to."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.forget_divided import Divided
    from cli.forget_drops import ForgetDrops, ForgetRun
    from cli.forget_people import People
    from cli.forget_receipt import Line
    from cli.forget_targets import Place, Target

    Found = Sequence[tuple[ForgetRun, Mapping[str, Any] | None]]

ID = re.compile(r"[0-9a-f]{12}")


def forget(
    file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Forget the people of a raw file instead of asking for one."
        ),
    ] = None,
    resume: Annotated[
        str, typer.Option(help="The id of an earlier forget: go on with it, and show what became of it.")
    ] = "",
    within: Annotated[float, typer.Option(min=1, max=3600, help="Seconds to wait for the runs.")] = 300,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before people are removed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Remove a person from every audience that was ever written to, and put them on the suppression list.

    Asks for the person's identifiers, which so get into no shell's history. Each audience gets a drop under
    `remove`, hashed by its platform's own rules and deleted once its run is final. The receipt names what could
    not be done, with a code, and never the person. Exit 1 unless everybody was removed wherever people can be
    removed at all; platforms do not say who was in an audience.
    """
    from cli import deployment
    from cli.forget_divided import Divided
    from cli.forget_drops import ForgetDrops, with_mismatch
    from cli.forget_receipt import document, line_of
    from cli.forget_targets import targets
    from cli.known_audiences import known_audiences

    if resume and not ID.fullmatch(resume):
        raise typer.BadParameter("must be the 12 digits that the first call printed", param_hint="--resume")
    found = deployment.find()
    reached = list(targets(found, known_audiences(found.ledger_table)))
    if not reached:
        deployment.fail("nothing was removed: this deployment has never sent anybody to an audience")
    drops = ForgetDrops(found, resume or secrets.token_hex(6))
    runs_before = drops.runs() if resume else []
    left = [one for one in reached if one.connector and not any(run.is_of(one.place) for run in runs_before)]
    unusable: dict[Place, str] = {}
    divided = Divided.read(found.receipts_bucket, drops.forget_id)
    alone = with_mismatch([one.place for one in reached if one.connector], _with_receipts(drops, runs_before))
    undivided = [place for place in alone if place not in divided.names]
    people = _people(file) if left or undivided else None
    if people:
        unusable = _checked(drops, left, people)
        _confirm(len(left) - len(unusable) + len(undivided), file, yes=yes or as_json)
        typer.echo(f"forget {drops.forget_id}", err=True)
    if people and left:
        if found.lists:
            _suppress(drops, people, within)
        _put(drops, left, unusable, people)
    runs, awaited = _follow(drops, reached, unusable, people, divided, within)
    # Read once more: a run may have filled an audience for the first time meanwhile.
    filled = {one.place for one in targets(found, known_audiences(found.ledger_table)) if one.is_filled}
    reached = [replace(one, is_filled=one.place in filled) for one in reached]
    lines = [line_of(one, runs, unusable.get(one.place, ""), one.place in awaited) for one in reached]
    none = "this deployment has none: later drops may add the person again"
    suppressed = drops.suppressed() if found.lists else none
    told = document(drops.forget_id, lines, suppressed)
    kept = drops.keep(told)
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        _print(told, lines)
        print(f"receipt: {kept}")
    if not told["done"]:
        raise typer.Exit(1)


def _people(file: Path | None) -> People:
    from cli.forget_people import from_file, from_prompt

    return from_file(file) if file else from_prompt()


def _checked(drops: ForgetDrops, left: Sequence[Target], people: People) -> dict[Place, str]:
    """Return where nobody can be removed by what was given, with the code.

    Ends the command if that is everywhere. Rows of a file by which a platform can match nobody are told.
    """
    from cli import deployment
    from cli.forget_drops import why_unusable

    unusable, lacking = {}, {}
    for one in left:
        if not one.connector:
            continue
        sums = drops.planned(one.connector, one.place, people)
        if code := why_unusable(sums):
            unusable[one.place] = code
        elif not people.columns:
            lacking.update({(one.connector.platform.name, code): found for code, found in sums.rejected.items()})
    if left and len(unusable) == len(left):
        codes = ", ".join(sorted(set(unusable.values())))
        deployment.fail(
            f"nothing was removed: no platform can match anybody by what was given ({codes}). An e-mail address,"
            " a phone number with its country code, a device's id or a customer number matches one person; a name"
            " is many people's"
        )
    for (platform, code), found in lacking.items():
        rows = ", ".join(map(str, found.first_rows)) + ", ..." * (found.count > len(found.first_rows))
        said = f"row{'s' * (found.count > 1)} {rows}"
        typer.echo(f"{said} ({code}) cannot be matched on {platform}: not removed there", err=True)
    return unusable


def _confirm(count: int, file: Path | None, *, yes: bool) -> None:
    if not yes:
        whom = "the people of all rows of this file" if file else "this person"
        asked = f"remove {whom} from {count:,} audience{'s' * (count != 1)}? This cannot be undone"
        typer.confirm(asked, abort=True, err=True)


def _suppress(drops: ForgetDrops, people: People, within_s: float) -> None:
    """Put the people on the suppression list; end the command unless that is done.

    Whoever was removed before that could be added again by a drop that is sent meanwhile.
    """
    from cli import deployment
    from cli.forget_drops import ADDED
    from cli.typed import typed

    if (became := drops.suppress(people, within_s)) != ADDED:
        again = typed("forget", "--resume", drops.forget_id)
        deployment.fail(f"nobody was removed yet, since the suppression list comes first: {became}. Then: {again}")


def _put(drops: ForgetDrops, left: Sequence[Target], unusable: Mapping[Place, str], people: People) -> None:
    """Upload a drop for each audience."""
    from cli.forget_drops import GIVEN

    folder = "" if people.columns else GIVEN
    for one in left:
        if one.connector and one.place not in unusable:
            drops.put(one.connector, one.place, people, folder)


def _follow(
    drops: ForgetDrops,
    reached: Sequence[Target],
    unusable: Mapping[Place, str],
    people: People | None,
    divided: Divided,
    within_s: float,
) -> tuple[Found, set[Place]]:
    """Wait for the runs, and return them, with the places where one has not begun when the time is up.

    Where an audience accepts one kind of identifier alone, each kind then gets a drop of its own.
    """
    from cli.forget_drops import with_mismatch

    connectors = {one.place: one.connector for one in reached if one.connector}
    places = [place for place in connectors if place not in unusable]
    runs = _with_receipts(drops, drops.follow(places, within_s, divided=list(divided.drops())))
    if people is not None and (undivided := set(with_mismatch(places, runs)) - set(divided.names)):
        for place in sorted(undivided):
            kinds = drops.kinds(connectors[place], place, people)
            for name, kind in kinds.items():
                if not any(run.removes(place, name) for run, _ in runs):
                    drops.put(connectors[place], place, kind, name)
            divided.note(place, kinds)
        runs = _with_receipts(drops, drops.follow(places, within_s, divided=list(divided.drops())))
    return runs, {place for place, name in divided.drops() if not any(run.removes(place, name) for run, _ in runs)}


def _with_receipts(drops: ForgetDrops, runs: Sequence[ForgetRun]) -> Found:
    return [(one, drops.receipt(one)) for one in runs]


def _print(told: Mapping[str, Any], lines: Sequence[Line]) -> None:
    from rich.table import Column, Table

    from cli.forget_receipt import GOES_ON
    from cli.printable import console, printable
    from cli.typed import typed

    for platform, some in told["platforms"].items():
        table = Table(
            Column("audience", overflow="fold"),
            "outcome",
            Column("why", overflow="fold"),
            Column("run", no_wrap=True),
            title=platform,
        )
        for one in some:
            why = f"{one['code']}: {one['sentence']}" if one["code"] else ""
            table.add_row(printable(one["audience"]), one["outcome"], printable(why), one["run_id"])
        console().print(table)
    if any(one.run_id for one in lines):
        print(f"a run's receipt: {typed('receipt', 'RUN')}")
    print(f"suppression list: {told['suppression_list']}")
    if any(one.outcome == GOES_ON for one in lines):
        print(f"some runs go on; look again: {typed('forget', '--resume', told['forget_id'])}")
