"""What a folder's name could be meant to do to an audience, by the words of action_words.csv.

`delete/people.csv` below an `add` must never add the people who are to be deleted. So the words that take people
out count wherever they stand in a name (`crm_delete_1`); those that add, replace or mirror count only where the
name says nothing else (`sync`, `UPSERT-2026`), since `crm_sync_1` names a system, and adding it harms nobody.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache
from importlib.resources import files

from activation.identifiers.header_names import fold
from activation.model import Action

_WORDS = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LONGEST_PHRASE = 4  # words: "do not send to"
# A name is a slip of a word from this share of common letters on (difflib's ratio): repalce, remvoe, unsubcribed.
_SLIP, _SHORTEST_SLIP = 0.82, 5
# What a slip of is looked for: the actions' own names and the words people write instead of them most.
_OFTEN = ("remove", "delete", "removed", "deleted", "unsubscribe", "unsubscribed", "suppress", "suppressed",
          "suppression", "replace", "replaced", "mirror", "append", "upsert")  # fmt: skip
_NO_SLIPS = frozenset(("remote", "removable", "mirrorless"))


@dataclass(frozen=True)
class _Words:
    """The words, folded: `anywhere` in a name, as the `whole` of it, and those that say `nothing`."""

    anywhere: dict[str, Action] = field(default_factory=dict)
    whole: dict[str, Action] = field(default_factory=dict)
    nothing: set[str] = field(default_factory=set)


@lru_cache(maxsize=1024)  # the files of a folder have its name in common
def action_meant(name: str) -> Action | None:
    """Return the action that a folder's name could be meant as, None for a name that names a folder.

    `REMOVE_2026`, `users-to-delete`, `repalce` and `gelöscht` could be meant; `export_2026-11-29`, `run-7` and
    `crm_sync_1` are names of folders.
    """
    words, tokens = _vocabulary(), [fold(one) for one in _WORDS.findall(_CAMEL.sub(" ", name))]
    phrases = [
        "".join(tokens[at : at + length])
        for length in range(1, _LONGEST_PHRASE + 1)
        for at in range(len(tokens) - length + 1)
    ]
    for phrase in phrases:
        if phrase in words.anywhere:
            return words.anywhere[phrase]
        if found := next((word for word in words.anywhere if not word.isascii() and word in phrase), None):
            return words.anywhere[found]  # Japanese puts no space between words
    telling = [one for one in tokens if one not in words.nothing]
    if whole := words.whole.get("".join(telling)) or words.whole.get("".join(tokens)):
        return whole
    slips = [slip for one in telling if (slip := _slip(one))]
    known = {**words.whole, **words.anywhere}
    if takes_out := [one for one in slips if known[one] is Action.REMOVE]:
        return known[takes_out[0]]
    return known[slips[0]] if len(telling) == len(slips) == 1 else None


def says_more(name: str) -> bool:
    """Return whether a name has several words: `add_to_list` and `updated_customers` have, `UPSERT_2026` not."""
    return len(_WORDS.findall(_CAMEL.sub(" ", name))) > 1


def _slip(token: str) -> str:
    """Return the word that a token is a slip of, "" for none."""
    if len(token) < _SHORTEST_SLIP or token in _NO_SLIPS:
        return ""
    alike = ((SequenceMatcher(None, token, one).ratio(), one) for one in _OFTEN if one[0] == token[0])
    share, word = max(alike, default=(0.0, ""))
    return word if share >= _SLIP else ""


@lru_cache(maxsize=1)
def _vocabulary() -> _Words:
    found = _Words()
    text = (files(__package__) / "action_words.csv").read_text("utf-8")
    for line in csv.DictReader(text.splitlines()):
        word = fold(line["word"])
        if not line["action"]:
            found.nothing.add(word)
        else:
            (found.whole if line["where"] == "whole" else found.anywhere)[word] = Action(line["action"])
    return found
