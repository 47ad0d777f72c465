"""Where a statement names its parameters: `:name` outside of texts, names in quotes, comments and casts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# What may hold a colon that names nothing, as the lexers of PostgreSQL and of Athena (Trino) know it, then the
# parameter. E'...' may escape a quote.
# https://www.postgresql.org/docs/18/sql-syntax-lexical.html, read 2026-11-30
_TOKEN = re.compile(
    r"""(?P<literal>
        (?<!\w)[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
      | (?P<dollar>\$(?:[A-Za-z_]\w*)?\$).*?(?P=dollar)
      | --[^\n]* | ::
    ) | (?P<comment>/\*) | (?<![\w:\]]):(?P<name>[A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")


@dataclass(frozen=True)
class Named:
    """A parameter, where the statement names it."""

    name: str


def pieces(sql: str) -> Iterator[str | Named]:
    """Yield a statement's texts, and between them the parameters that it names."""
    begin = at = 0
    while (found := _TOKEN.search(sql, at)) is not None:
        at = _comment_end(sql, found.end()) if found["comment"] else found.end()
        if found["name"]:
            yield sql[begin : found.start()]
            yield Named(found["name"])
            begin = at
    yield sql[begin:]


def parameter_names(sql: str) -> frozenset[str]:
    """Return the names of a statement's parameters."""
    return frozenset(piece.name for piece in pieces(sql) if isinstance(piece, Named))


def _comment_end(sql: str, at: int) -> int:
    """Return where a comment ends whose opening `/*` ends at `at`; comments nest."""
    depth = 1
    while depth and (found := _COMMENT.search(sql, at)) is not None:
        depth += 1 if found[0] == "/*" else -1
        at = found.end()
    return len(sql) if depth else at
