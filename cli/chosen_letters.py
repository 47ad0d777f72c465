"""`activation redrive --list`, `--run` and `--reason`: some letters of a connector, and runs that left none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from cli.letters import DeadLetters, Letter
from cli.runs.wrong_drops import WrongDrops

if TYPE_CHECKING:
    from cli.deployment import Deployment
    from cli.runs.rows import RunRow


@dataclass(frozen=True, order=True)
class Told:
    """A letter of the connector `of`, or a run that left none: when it came or ended, in Unix seconds, and why.

    `is_corrected` says that a later run has sent the object or the audience of a run without a letter.
    """

    at: float
    of: str
    run_id: str
    code: str
    sentence: str
    has_letter: bool = True
    is_corrected: bool = False


@dataclass(frozen=True)
class ChosenLetters:
    """The letters of the connector `of` with a run or reason, and its runs of these that left no letter, `wrong`.

    `run` is the beginning of a run's id and `reason` a code, "" for any.
    """

    of: str
    letters: DeadLetters
    wrong: WrongDrops
    run: str
    reason: str

    def told(self) -> list[Told]:
        """Return the letters and the runs."""
        found = self.read()
        told = self.told_of(found)
        told += [
            Told(
                one.ended_at or one.started_at,
                self.of,
                one.run_id,
                one.code,
                one.sentence,
                has_letter=False,
                is_corrected=one.run_id in self.wrong.corrected,
            )
            for one in self._without({one.run_id for one in found})
        ]
        return told

    def told_of(self, letters: Sequence[Letter]) -> list[Told]:
        """Return some of the letters, in their order."""
        return [Told(one.sent_at, self.of, one.run_id, one.code, one.sentence) for one in letters]

    def read(self) -> tuple[Letter, ...]:
        """Return the letters, the oldest first."""
        return tuple(one for one in self.letters.read() if self._is_chosen(one))

    def move(self, found: Deployment, *, yes: bool, as_json: bool) -> None:
        """Move the letters back, repeat the runs without one, and print how many of each.

        Of a reason, runs whose object or audience a later run has sent are left out, and the others are listed
        before the question. Ends the command with exit 1 if nothing is moved or repeated.
        """
        from cli import deployment
        from cli.printable import counted
        from cli.runs.actions import RunActions, caller
        from cli.typed import typed

        lettered = {one.run_id for one in self.letters.read()} if self.wrong.rows else set()
        without = self._without(lettered)
        late = [] if self.run else [one for one in without if one.run_id in self.wrong.corrected]
        without = [one for one in without if one not in late]
        if late:
            again = typed("redrive", "--connector", self.of, "--run", "RUN")
            self._show(
                f"left out, since a later run has sent the object or the audience ({again} repeats one)", late
            )
        self.say_more()
        if without and (not self.run or len(without) > 1) and not yes:
            self._show("these runs have no dead letter, and their drops are sent again", without)
            if as_json:
                deployment.fail("nothing was moved: add --yes, since nobody is asked")
            typer.confirm("Send them again?", abort=True, err=True)
        moved = self.letters.move(self._is_chosen)
        acts = RunActions(found, caller()) if without else None
        repeated = sum(acts.repeat(one) for one in without) if acts else 0
        if not moved and not repeated:
            listing = typed("redrive", "--connector", self.of, "--list")
            deployment.fail(
                f"no dead letter of {self.of} matches, and no run without one to repeat; list them: {listing}"
            )
        if as_json:
            print(json.dumps({"of": self.of, "moved": moved, "repeated": repeated, "left_out": len(late)}))
            return
        if moved:
            print(f"{counted(moved, 'message')} moved back to {self.of}")
        if repeated:
            print(f"{counted(repeated, 'run')} without a dead letter repeated")

    def _is_chosen(self, one: Letter) -> bool:
        return one.run_id.startswith(self.run) and self.reason in ("", one.code)

    def _without(self, lettered: set[str]) -> Sequence[RunRow]:
        """Return the runs of which no letter is left; an earlier release left one of each."""
        return [one for one in self.wrong.rows if one.run_id not in lettered]

    def say_more(self) -> None:
        """Warn on stderr that older runs without a dead letter are not listed."""
        from cli.printable import counted

        if self.wrong.more:
            says = f"{counted(self.wrong.more, 'older run')} without a dead letter not shown"
            typer.echo(f"warning: {says}: repeat or discard the newer ones, then run the command again", err=True)

    def _show(self, title: str, rows: Sequence[RunRow]) -> None:
        """List runs on stderr, the oldest first."""
        from cli.printable import printable
        from cli.runs.shown import RUN_DIGITS_SHOWN, utc

        typer.echo(f"{title}:", err=True)
        for one in rows:
            head = f"{one.run_id[:RUN_DIGITS_SHOWN]}  {utc(one.ended_at or one.started_at)}  {one.code}"
            typer.echo(printable(f"  {head}  {one.audience} ({one.action}): {one.file}"), err=True)


def chosen_letters(found: Deployment, connector: str, *, run: str, reason: str) -> ChosenLetters:
    """Return the letters of a connector that a beginning of a run's id and a code choose, "" for any."""
    from cli.letters import letters_of
    from cli.runs.wrong_drops import wrong_drops

    wrong = wrong_drops(found, connector, run=run, reason=reason)
    return ChosenLetters(connector, letters_of(found, connector), wrong, run, reason)


def print_letters(chosen: Sequence[ChosenLetters], *, as_json: bool) -> None:
    """Print the chosen letters of one connector or several, and the runs without one, the oldest first."""
    told = sorted(one for of in chosen for one in of.told())
    print_told(told, as_json=as_json)
    for of in chosen:
        of.say_more()
    if not told and not as_json:
        typer.echo("no dead letters match", err=True)


def print_told(told: Sequence[Told], *, as_json: bool) -> None:
    """Print letters, and runs without one, as they are given."""
    from activation.codes import explain

    from cli.printable import console, printable
    from cli.runs.shown import RUN_DIGITS_SHOWN, utc

    if as_json:
        objects: Any = [
            {
                "connector": one.of,
                "run_id": one.run_id,
                "code": one.code,
                "sentence": one.sentence,
                "who": explain(one.code).who.value,
                "sent_at": utc(one.at),
                "dead_letter": one.has_letter,
                "corrected": one.is_corrected,
            }
            for one in told
        ]
        print(json.dumps(objects, ensure_ascii=False))
    for one in () if as_json else told:
        notes = [explain(one.code).who.value]
        notes += [] if one.has_letter else ["no dead letter"]
        notes += ["sent since by a later run"] if one.is_corrected else []
        run = one.run_id[:RUN_DIGITS_SHOWN] or "(no run)"
        head = f"{run:<{RUN_DIGITS_SHOWN}}  {utc(one.at)}  {one.of}: {one.code} ({', '.join(notes)})"
        console().print(f"{head}\n  {printable(one.sentence)}", soft_wrap=True)
