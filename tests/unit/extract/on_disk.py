"""A destination on disk and a secret in memory, with no more imports than a function has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from activation.authentication.store import SecretVersion

PASSWORD = "p:/@ w%25+d&x=1"


class HeldSecret:
    """A secret, and how often it was read past the cache; `current` is what a rotation has written since."""

    def __init__(self, port: int) -> None:
        self.cached: dict[str, object] = {
            "username": "app", "password": PASSWORD, "host": "localhost", "port": port, "dbname": "postgres",
        }  # fmt: skip
        self.current = dict(self.cached)
        self.read_afresh = 0

    def read(self, *, afresh: bool = False) -> SecretVersion:
        """Return the secret's current version, or the cached one."""
        if afresh:
            self.read_afresh += 1
            self.cached = dict(self.current)
        return SecretVersion(json.dumps(self.cached), "1")


@dataclass(frozen=True)
class Folder:
    """A destination on disk."""

    path: Path
    bucket: str = ""

    @property
    def prefix(self) -> str:
        """Return the folder with its slash."""
        return f"{self.path}/"

    @contextmanager
    def create(self, key: str) -> Iterator[IO[bytes]]:
        """Write a file that appears at the end of the block."""
        hidden = Path(f"{key}.hidden")
        hidden.parent.mkdir(parents=True, exist_ok=True)
        with hidden.open("wb") as file:
            yield file
        hidden.rename(key)
