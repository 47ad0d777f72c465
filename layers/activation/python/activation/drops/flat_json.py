"""One line of JSON Lines as flat texts: objects inside it by their paths (address.city), lists left out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

MOST_LEVELS = 8  # an object further inside is left out as a list is


class UnusableRow(ValueError):
    """A line that is no row; its argument is the row's code."""


@dataclass
class FlatRow:
    """A line: `cells` by path, and the paths that hold objects and lists."""

    cells: dict[str, str | None] = field(default_factory=dict)
    objects: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Keys:
    """The keys that a text's first lines show.

    `seen` are those that have a value or null, in order, each with whether all its values are whole numbers;
    `filled` those that have a value. `listed` are the paths that hold lists, `objects` those that hold objects.
    """

    seen: tuple[tuple[str, bool], ...]
    filled: frozenset[str]
    listed: tuple[str, ...] = ()
    objects: frozenset[str] = frozenset()

    @cached_property
    def flat(self) -> tuple[str, ...]:
        """Return the keys that are columns, in order; there may be none."""
        nested = self.objects.union(self.listed)
        return tuple(key for key, _ in self.seen if key in self.filled or key not in nested)

    @property
    def integers(self) -> frozenset[str]:
        """Return the columns whose values are all whole numbers."""
        return frozenset(key for key, whole in self.seen if whole).intersection(self.flat)

    @property
    def lists(self) -> tuple[str, ...]:
        """Return the paths that hold lists and are no columns."""
        return tuple(key for key in self.listed if key not in self.flat)


def row_of(line: bytes) -> dict[str, str | None]:
    """Return a flat line's values as texts; raises ValueError with the row's code where it is no row."""
    return {_encodable(key): _text(value) for key, value in _object_of(line).items()}


def flat_row_of(line: bytes) -> FlatRow:
    """Return a line with its objects taken apart; raises ValueError with the row's code where it is no row."""
    row = FlatRow()
    _flatten(_object_of(line), "", row, 1)
    return row


def keys_of(head: bytes) -> Keys:
    """Return the keys of the objects in a file's first lines; `flat` is empty where there are none."""
    whole: dict[str, bool] = {}
    filled: set[str] = set()
    lists: dict[str, None] = {}
    objects: set[str] = set()
    for line in head.splitlines():
        try:
            row = flat_row_of(line)
        except UnusableRow:
            continue
        for key, text in row.cells.items():
            if text is None:
                whole.setdefault(key, True)
            else:
                filled.add(key)
                whole[key] = whole.get(key, True) and _is_whole(text)
        lists.update(dict.fromkeys(sorted(row.lists)))
        objects |= row.objects
    return Keys(tuple(whole.items()), frozenset(filled), tuple(lists), frozenset(objects))


def merged(several: Iterable[Keys]) -> Keys:
    """Return the keys of several texts, as if they were one."""
    whole: dict[str, bool] = {}
    filled: set[str] = set()
    lists: dict[str, None] = {}
    objects: set[str] = set()
    for one in several:
        for key, is_whole in one.seen:
            whole[key] = whole.get(key, True) and is_whole
        filled |= one.filled
        lists.update(dict.fromkeys(one.listed))
        objects |= one.objects
    return Keys(tuple(whole.items()), frozenset(filled), tuple(lists), frozenset(objects))


def _flatten(values: dict[str, object], prefix: str, row: FlatRow, level: int) -> None:
    for key, value in values.items():
        path = f"{prefix}{_encodable(key)}"
        if isinstance(value, dict) and level < MOST_LEVELS:
            row.objects.add(path)
            _flatten(value, f"{path}.", row, level + 1)
        elif isinstance(value, dict | list):
            row.lists.add(path)
        elif path in row.cells:
            raise UnusableRow("duplicate_key")
        else:
            row.cells[path] = _text(value)


def _object_of(line: bytes) -> dict[str, object]:
    try:
        values = json.loads(
            line.decode(), object_pairs_hook=_object, parse_int=_whole, parse_float=str, parse_constant=_no_number
        )
    except UnusableRow:
        raise
    except UnicodeDecodeError:
        raise UnusableRow("not_utf8") from None
    except ValueError:
        raise UnusableRow("bad_json") from None
    except RecursionError:
        raise UnusableRow("nested_value") from None
    if not isinstance(values, dict):
        raise UnusableRow("bad_json")
    return values


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise UnusableRow("duplicate_key")
    return values


class _Whole(str):
    """The digits of a number without a fraction."""

    __slots__ = ()


def _whole(digits: str) -> str:
    return _Whole("0" if digits == "-0" else digits)


def _is_whole(text: str) -> bool:
    return isinstance(text, _Whole)


def _no_number(_name: str) -> None:
    raise UnusableRow("bad_json")


def _encodable(text: str) -> str:
    """Return a text back, unless it holds half of a surrogate pair, written as an escape."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UnusableRow("bad_json") from None
    return text


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return _encodable(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return None
    raise UnusableRow("nested_value")
