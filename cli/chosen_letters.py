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

    def show(self, *, as_json: bool) -> None:
        """Print the letters and the runs, the oldest first."""
        from activation.codes import explain

        from cli.printable import console, printable
        from cli.runs.shown import RUN_DIGITS_SHOWN, utc

        found = [one for one in self.letters.read() if self._is_chosen(one)]
        told = [(one.sent_at, one.run_id, one.code, one.sentence, True) for one in found]
        told += [
            (one.ended_at or one.started_at, one.run_id, one.code, one.sentence, False)
            for one in self._without({one.run_id for one in found})
        ]
        if as_json:
            objects: Any = [
                {
                    "run_id": run_id,
                    "code": code,
                    "sentence": sentence,
                    "who": explain(code).who.value,
                    "sent_at": utc(at),
                    "dead_letter": has_letter,
                    "corrected": not has_letter and run_id in self.wrong.corrected,
                }
                for at, run_id, code, sentence, has_letter in sorted(told)
            ]
            print(json.dumps(objects, ensure_ascii=False))
        for at, run_id, code, sentence, has_letter in () if as_json else sorted(told):
            notes = [explain(code).who.value]
            notes += [] if has_letter else ["no dead letter"]
            notes += ["sent since by a later run"] if not has_letter and run_id in self.wrong.corrected else []
            head = f"{run_id[:RUN_DIGITS_SHOWN]:<{RUN_DIGITS_SHOWN}}  {utc(at)}  {code} ({', '.join(notes)})"
            console().print(f"{head}\n  {printable(sentence)}", soft_wrap=True)
        self._say_more()
        if not told and not as_json:
            typer.echo("no dead letters match", err=True)

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
        self._say_more()
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

    def _say_more(self) -> None:
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
