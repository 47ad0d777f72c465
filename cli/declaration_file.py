"""`audiences.yml` on this machine: YAML with the lines of its keys, and the SQL of the files that it names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lambdas.sync.declaration import Declarations
from lambdas.sync.declarations import FILE, DeclarationsError, examine_declarations

MOST_BYTES = 1_000_000


class _Loader(yaml.SafeLoader):
    """Reads YAML's core schema: `10:00`, `2026-12-01` and `no` are texts, as whoever writes them expects.

    The default is YAML 1.1, in which they are 600, a date and false: https://yaml.org/spec/1.2.2/#103-core-schema,
    read 2026-11-30.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  as PyYAML has it


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), list(_first))


@dataclass(frozen=True)
class DeclarationFile:
    """What the file declares, and the document that the function is given: the same, with the SQL in place."""

    declarations: Declarations
    document: dict[str, Any]


def read_file(path: Path, further: Callable[[Declarations], Iterable[str]] | None = None) -> DeclarationFile:
    """Read the file; raises DeclarationsError with every mistake and its line.

    `further` yields what else is wrong with declarations, each with its path. They may be incomplete: a value that
    is wrong in itself is blank there, or its default.
    """
    try:
        text = path.read_bytes()
        if len(text) > MOST_BYTES:
            raise DeclarationsError([f"{path.name}: has more than {MOST_BYTES:,} bytes"])
        root = yaml.compose(text.decode("utf-8-sig"), Loader=_Loader)
        if root is None:
            raise DeclarationsError([f"{path.name}: is empty"])
        document = _Loader("").construct_document(root)
    except FileNotFoundError:
        raise DeclarationsError([f"{path}: no such file; name it with --file"]) from None
    except UnicodeDecodeError:
        raise DeclarationsError([f"{path.name}: is not UTF-8"]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise DeclarationsError([f"{path.name}{line}: is not YAML: {problem}"]) from None
    lines: dict[str, int] = {}
    mistakes = list(_walk(root, "", lines, set()))
    unread = _inline(document, path.parent) if isinstance(document, dict) else {}
    found, wrong = examine_declarations(document, without_sql=unread.keys())
    mistakes += [*unread.values(), *(one.removeprefix(f"{FILE}: ") for one in wrong)]
    mistakes += further(found) if further else ()
    if mistakes:
        placed = sorted((_line(one, lines), one) for one in dict.fromkeys(mistakes))
        raise DeclarationsError(
            [f"{path.name}{f', line {line}' if line else ''}: {mistake}" for line, mistake in placed]
        )
    return DeclarationFile(found, document)


def _walk(node: yaml.Node, path: str, lines: dict[str, int], seen: set[int]) -> Iterator[str]:
    """Note the line of every key and entry, by its path; yield the keys that an object has twice.

    What an alias repeats is walked once, where its anchor is: it may be within itself.
    """
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = f"{path}.{key.value}" if path else str(key.value)
            if inner in lines:
                yield f"{inner}: is said twice"
            lines[inner] = key.start_mark.line + 1
            yield from _walk(value, inner, lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[f"{path}[{index}]"] = value.start_mark.line + 1
            yield from _walk(value, f"{path}[{index}]", lines, seen)


def _inline(document: dict[str, Any], folder: Path) -> dict[str, str]:
    """Put the SQL of files, whose paths are relative to `folder`, in their place.

    Returns what is wrong with those that cannot be read, by the audiences' names.
    """
    audiences, unread = document.get("audiences"), {}
    for name, one in audiences.items() if isinstance(audiences, dict) else ():
        given = one.get("sql") if isinstance(one, dict) else None
        if not isinstance(given, str) or not given.strip().endswith(".sql"):
            continue
        path = folder / given.strip()
        try:
            one["sql"] = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            no_file = f"{given.strip()} is no file beside this one that can be read as UTF-8"
            unread[str(name)] = f"audiences.{name}.sql: {no_file}"
    return unread


def _line(mistake: str, lines: dict[str, int]) -> int:
    """Return the line of a mistake's key, or of its default, or of what lacks the key; 0 for the file itself."""
    named = [path for path in lines if re.match(rf"{re.escape(path)}(?=[.:\[])", mistake)]
    if not named:
        return 0
    nearest = max(named, key=len)
    lacking = re.match(r"\.(\w+)", mistake.removeprefix(nearest))
    default = f"defaults.{lacking[1]}" if lacking and nearest.startswith("audiences.") else ""
    return lines.get(default) or lines[nearest]
