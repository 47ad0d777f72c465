"""The members a platform should hold of the people it was sent, computed without any code of the connectors.

A platform's folder defines an EXPECTED in its `expected.py`; nothing else has to be changed for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

MODULE = "expected"

# A member of an audience: its non-empty cells by the platform's own key. One person may be several members, if a
# platform stores each kind of identifier separately.
Member = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Expectation:
    """The members a platform should hold.

    `members` returns the members that a person becomes, none if the platform cannot know the person. Its argument
    is the person's values, normalised and not hashed, by these keys: EMAIL, PHONE (digits, the calling code
    first), FN, LN, CT, ST, ZIP and COUNTRY; a key may be missing or have "". `held` returns the members of an
    audience in the simulator's state.
    """

    members: Callable[[Mapping[str, str]], set[Member]]
    held: Callable[[Mapping[str, Any]], set[Member]]


@cache
def expectations() -> dict[str, Expectation]:
    """Return the expectation of every simulated platform that has one, by the platform's name.

    Raises TypeError naming a module whose EXPECTED is not an Expectation.
    """
    folders = sorted(path.parent.name for path in Path(__file__).parent.glob(f"*/{MODULE}.py"))
    return {name: _expected(f"sandbox.platforms.{name}.{MODULE}") for name in folders}


def hashed_member(cells: Mapping[str, str]) -> Member:
    """Return a member whose cells are SHA-256 of these texts, in lower-case hexadecimal; "" is left out."""
    return frozenset((key, hashlib.sha256(text.encode()).hexdigest()) for key, text in cells.items() if text)


def held_by_schema(audience: Mapping[str, Any]) -> set[Member]:
    """Return an audience's members, which are listed as rows of cells, schema after schema."""
    keys = [group["schema"] for group in audience["schemas"] for _ in range(group["count"])]
    return {
        frozenset((key, cell) for key, cell in zip(schema, row, strict=True) if cell != "")
        for schema, row in zip(keys, audience["members"], strict=True)
    }


def _expected(module: str) -> Expectation:
    found = getattr(import_module(module), "EXPECTED", None)
    if not isinstance(found, Expectation):
        raise TypeError(f"{module}.EXPECTED has to be an Expectation")
    return found
