"""`audiences.yml` as frozen declarations, checked as a whole: the document that it is, with its SQL in place.

The command checks it before it is stored, and the function reads what is stored by the same rules. What only the
platforms know (actions, fields, options) is checked by the command: see cli/declared.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from activation.json_reader import Reader

from lambdas.sync.declaration import Declaration, Declarations, SourceDeclaration, SourceKind, TableDeclaration
from lambdas.sync.declaration_fields import AUDIENCE, CONNECTOR, TABLE, read_audience

FILE = "audiences.yml"
# As a manifest and a receipt may show it: see activation/drops/folder_manifest.py.
NAME = r"[A-Za-z][A-Za-z0-9_.-]{0,63}"
SOURCE_NAME = r"(?=.{1,32}\Z)[a-z][a-z0-9]*(-[a-z0-9]+)*"
# https://docs.aws.amazon.com/athena/latest/APIReference/API_CreateWorkGroup.html, read 2026-11-30
WORKGROUP, DATABASE = r"[A-Za-z0-9._-]{1,128}", r"[A-Za-z0-9_]{1,255}"
MOST_AUDIENCES = 500
DEFAULTS = ("source", "timezone", "action", "guard", "consent", "every", "at", "from", "options")


class DeclarationsError(Exception):
    """Everything that is wrong with declarations, one sentence each, each beginning with its path."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


def read_declarations(document: object) -> Declarations:
    """Read a document; raises DeclarationsError with every mistake at once, unknown keys included."""
    found, mistakes = examine_declarations(document)
    if mistakes:
        raise DeclarationsError(mistakes)
    return found


def examine_declarations(document: object, *, without_sql: Collection[str] = ()) -> tuple[Declarations, list[str]]:
    """Return what a document declares, as far as it can be read, and every mistake in it.

    What is wrong is read as blank or as its default, so that the rest can be examined further. `without_sql` are
    the audiences whose SQL could not be read: nothing is said of its parameters.
    """
    mistakes: list[str] = []
    top = Reader(document, FILE, mistakes)
    sources = _sources(top)
    kinds = {one.name: one.kind for one in sources}
    defaults = _defaults(top)
    audiences = []
    for name, value in _named(top, "audiences", NAME, "a letter, then letters, digits, '.', '_' and '-'"):
        reader = top.within("audiences", name, _with(defaults, value))
        audiences.append(read_audience(reader, name, kinds, sql_is_known=name not in without_sql))
        reader.finish()
    if len(audiences) > MOST_AUDIENCES:
        top.mistake("audiences", f"has more than {MOST_AUDIENCES}")
    tables = tuple(
        _table(one, kinds, [one.name for one in audiences]) for one in top.sections("tables", optional=True)
    )
    if not audiences and not tables:
        top.mistake("audiences", "names no audience")
    _refuse_shared(top, audiences)
    top.finish()
    told = [one.removeprefix(f"{FILE}.") for one in dict.fromkeys(mistakes)]
    return Declarations(sources, tuple(audiences), tables), told


def _named(reader: Reader, key: str, pattern: str, meaning: str) -> list[tuple[str, object]]:
    """Return what an object has by names, also by one that does not fit, which is the reader's mistake."""
    given = reader.values(key)
    for name in given:
        if not re.fullmatch(pattern, str(name)):
            reader.mistake(f"{key}.{name}", f"is no name: {meaning}")
    return [(str(name), value) for name, value in given.items()]


def _with(defaults: Mapping[str, Any], value: object) -> object:
    return {**defaults, **value} if isinstance(value, Mapping) else value


def _sources(top: Reader) -> tuple[SourceDeclaration, ...]:
    found = []
    for name, value in _named(
        top, "sources", SOURCE_NAME, "up to 32 lower-case letters, digits and single hyphens, a letter first"
    ):
        reader = top.within("sources", name, value)
        kind = reader.choice("kind", [*SourceKind])
        lake = kind == SourceKind.ATHENA
        found.append(
            SourceDeclaration(
                name,
                SourceKind(kind or SourceKind.POSTGRES),
                reader.text("workgroup", pattern=WORKGROUP, meaning="Athena's workgroup") if lake else "",
                reader.text("database", pattern=DATABASE, meaning="a database of the catalogue") if lake else "",
            )
        )
        reader.finish()
    return tuple(found)


def _defaults(top: Reader) -> Mapping[str, Any]:
    """Return what holds for every audience; its values are checked where they are used."""
    given = top.values("defaults")
    for name in given:
        if name not in DEFAULTS:
            top.mistake(f"defaults.{name}", f"no such default (known: {', '.join(DEFAULTS)})")
    return {name: value for name, value in given.items() if name in DEFAULTS}


def _table(reader: Reader, kinds: Mapping[str, SourceKind], audiences: list[str]) -> TableDeclaration:
    databases = [name for name, kind in kinds.items() if kind is SourceKind.POSTGRES]
    found = TableDeclaration(
        source=reader.choice("source", databases),
        table=reader.text(
            "table", pattern=TABLE, meaning="the name of a table, such as cdp.facebook_configurations"
        ),
        like=reader.choice("like", audiences),
        audience=reader.text(
            "audience",
            pattern=AUDIENCE,
            meaning='the audiences\' names, such as "CDP - {system_name}"',
            default="CDP - {system_name}",
        ),
        connector=reader.text(
            "connector", pattern=CONNECTOR, meaning="a connector's name in cdk.context.json", default=""
        ),
    )
    reader.finish()
    return found


def _refuse_shared(top: Reader, audiences: list[Declaration]) -> None:
    """Report an audience that two declarations fill: each would take out the other's people."""
    seen: dict[tuple[str, str, str, str], str] = {}
    for one in audiences:
        for number, to in enumerate(one.to):
            for key, by in (("audience", to.audience), ("id", to.audience_id)):
                place = (to.connector, to.account, key, by)
                if to.connector and by and (other := seen.setdefault(place, one.name)) != one.name:
                    top.mistake(f"audiences.{one.name}.to[{number}].{key}", f"is filled by {other} as well")
