"""The file `<connector>/<audience>/_audience.json`: where it lies, and what its text holds.

It is no drop: see sidecars.py.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from activation.drops.key_text import key_text
from activation.drops.sidecars import AUDIENCE_FILE

MOST_BYTES = 16_384


class Unreadable(Exception):
    """A text that is not the JSON of such a file; `mistakes` says why, a sentence each."""

    def __init__(self, *mistakes: str) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


def file_keys(connector: str, audience: str, key: str = "") -> tuple[str, ...]:
    """Return the keys that the file of an audience may have, its name as people see it first.

    Names in a bucket may be decomposed, as macOS writes them; `key` is that of a drop for the audience below the
    connector's prefix, whose spelling of the name may have spaces at its ends as well.
    """
    segments = key.split("/")
    spelled = segments[1] if len(segments) > 1 and segments[0] == connector else audience
    names = dict.fromkeys((audience, unicodedata.normalize("NFD", audience), spelled))
    return tuple(f"{connector}/{name}/{AUDIENCE_FILE}" for name in names)


def parse_file(body: bytes) -> dict[str, Any]:
    """Return the object that the file's text is; raises Unreadable."""
    if len(body) > MOST_BYTES:
        raise Unreadable(f"the file has more than {MOST_BYTES:,} bytes")
    twice: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        twice.extend(dict.fromkeys(name for name in names if names.count(name) > 1))
        return dict(pairs)

    try:
        found = json.loads(body.decode("utf-8-sig"), object_pairs_hook=once)
    except UnicodeDecodeError:
        raise Unreadable("the file is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"the file is not JSON, line {error.lineno}") from None
    except (ValueError, RecursionError):  # a number of too many digits, or objects too deep in each other
        raise Unreadable("the file is not JSON that can be read") from None
    if not isinstance(found, dict):
        raise Unreadable("the file must hold an object, in braces")
    if twice:
        raise Unreadable(*(f"{key_text(name)} is said twice" for name in twice))
    return found


def said_twice(settings: Mapping[str, Any], file: Mapping[str, Any]) -> dict[str, str]:
    """Return the options that settings and file set to different values, each with what is wrong with it."""
    both = [name for name in settings if name in file and settings[name] != file[name]]
    return dict.fromkeys(both, "the settings and the file say different things")
