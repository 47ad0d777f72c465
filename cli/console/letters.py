"""Dead letters by their reasons, as a page shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cli.letters import Letter


@dataclass(frozen=True)
class LetterGroup:
    """Letters with one code: how many, their runs, and the oldest's sentence and Unix time."""

    code: str
    count: int
    sentence: str
    run_ids: tuple[str, ...]
    oldest_at: float


def by_code(letters: Iterable[Letter]) -> tuple[LetterGroup, ...]:
    """Return letters grouped by their codes, the largest group first."""
    groups: dict[str, list[Letter]] = {}
    for one in sorted(letters, key=lambda letter: letter.sent_at):
        groups.setdefault(one.code, []).append(one)
    found = [
        LetterGroup(
            code,
            len(of),
            of[0].sentence,
            tuple(dict.fromkeys(one.run_id for one in of if one.run_id)),
            of[0].sent_at,
        )
        for code, of in groups.items()
    ]
    return tuple(sorted(found, key=lambda group: (-group.count, group.code)))
