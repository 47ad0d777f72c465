"""What each code means and what to do about it: `codes.toml` beside this module, read once when it is needed."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
_PAGE = "docs/codes.md"


class Who(StrEnum):
    """Who acts on a code."""

    USER = "user"  # drops the files
    OPERATOR = "operator"  # runs this app
    PLATFORM = "platform"  # nobody: the ad platform or AWS recovers, and the app continues by itself


@dataclass(frozen=True)
class CodeText:
    """One code's meaning, in Markdown whose links are relative to docs/.

    `code` is the stable code and `room` the name of the group it stands in: a code may stand in several, such as
    `tls` of an ad platform and of CI360. `happened` and `do` are whole sentences. `who` acts. `command` is the
    command that does it, with placeholders in capitals, or "" if there is none. `new_drop` says that another drop
    corrects it, and that nobody has to change a setting, restore or redrive anything.
    """

    code: str
    room: str
    happened: str
    do: str
    who: Who
    command: str = ""
    new_drop: bool = False

    @property
    def sentences(self) -> str:
        """Return what happened and what to do, as text for a terminal or a page: links name their document."""
        return plain(f"{self.happened} {self.do}")


@dataclass(frozen=True)
class Room:
    """A group of codes: its name, its heading, what holds for all, their default command, and their texts."""

    name: str
    title: str
    intro: str
    command: str
    codes: tuple[CodeText, ...]


@cache
def rooms() -> tuple[Room, ...]:
    """Return the whole table, in the order of docs/codes.md. The first call takes about 40 ms."""
    return tuple(map(_room, _table()["room"]))


@cache
def introduction() -> str:
    """Return what docs/codes.md says above its tables, as Markdown."""
    return str(_table()["intro"]).strip()


def find(code: str) -> tuple[CodeText, ...]:
    """Return the texts of a code, one for each group that it stands in; none if this release does not have it."""
    return _by_code().get(code, ())


def asks_for_new_drop(code: str) -> bool:
    """Return whether what a run means by a code is corrected by another drop alone, as the table says.

    False for a code that this release does not have.
    """
    return explain(code).new_drop


def explain(code: str) -> CodeText:
    """Return what a run means by a code; of a code that this release does not have, a text that says so."""
    texts = find(code)
    if texts:
        return texts[0]
    return CodeText(
        code,
        "",
        "This release does not have this code; another release of the app wrote it.",
        "Look it up with that release: `activation codes CODE`.",
        Who.OPERATOR,
    )


def plain(markdown: str) -> str:
    """Return a text of the table with each link replaced by its words and the path of the document."""
    return _LINK.sub(_named, markdown)


def _named(link: re.Match[str]) -> str:
    words, target = link.groups()
    page, hash_sign, heading = target.partition("#")
    path = f"docs/{page}" if page else _PAGE
    path = path.replace("docs/../", "") + hash_sign + heading
    return path if words == page else f"{words} ({path})"


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "codes.toml").read_text("utf-8"))


@cache
def _by_code() -> dict[str, tuple[CodeText, ...]]:
    found: dict[str, tuple[CodeText, ...]] = {}
    for room in rooms():
        for text in room.codes:
            found[text.code] = (*found.get(text.code, ()), text)
    return found


def _room(room: dict[str, Any]) -> Room:
    """Read a group; a key that the table does not know, or a missing one, is a mistake in the table."""
    room_defaults = {"who": room["who"], "do": room.get("do", ""), "command": room.get("command", "")}
    codes = []
    for entry in room["code"]:
        given = room_defaults | entry
        code = given.pop("name")
        codes.append(CodeText(code=code, room=room["name"], **given | {"who": Who(given["who"])}))
    intro = str(room.get("intro", "")).strip()
    return Room(room["name"], room["title"], intro, room_defaults["command"], tuple(codes))
