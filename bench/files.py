"""The files that are measured: generated on demand, removed at the end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.environments import CACHE, Environment

FORMATS = ("csv", "csv.gz", "parquet")


@dataclass(frozen=True)
class Files:
    """Files of people by number of rows and format, all of one seed."""

    folder: Path
    maker: Environment
    _made: set[Path] = field(default_factory=set)

    def path(self, rows: int, file_format: str = "csv", *, kind: str = "easy", also: tuple[str, ...] = ()) -> Path:
        """Return a file of a kind of bench/inside/rows.py; with one that is made, the formats of `also` are made."""
        wanted = [self.folder / f"{kind}-{rows}.{one}" for one in dict.fromkeys((file_format, *also))]
        if wanted[0] not in self._made:
            missing = [path for path in wanted if path not in self._made]
            self.maker.run("bench.inside.rows", kind, str(rows), *map(str, missing))
            self._made.update(missing)
        return wanted[0]

    def hashes(self, rows: int) -> Path:
        """Return a list of hashes."""
        path = self.folder / f"hashes-{rows}.csv"
        if path not in self._made:
            self.maker.run("bench.inside.hashes", str(rows), str(path))
            self._made.add(path)
        return path

    def remove(self, kind: str, rows: int) -> None:
        """Remove the files of a kind of this many rows."""
        for path in [path for path in self._made if path.name.startswith(f"{kind}-{rows}.")]:
            path.unlink(missing_ok=True)
            self._made.discard(path)


@contextmanager
def files(maker: Environment) -> Iterator[Files]:
    """Create a folder for files, and remove it afterwards."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=CACHE, prefix="files-"))
    try:
        yield Files(folder, maker)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
