"""Files that would be read as a part of the export beside them: half-written ones, and those that are no data."""

from __future__ import annotations

from collections.abc import Iterable

from activation.drops.key_text import key_text
from activation.errors import Rejected

# What browsers, SFTP clients (WinSCP's .filepart, FileZilla's .part) and exporters call a file until it is whole.
_HALF_WRITTEN = (".crdownload", ".part", ".partial", ".filepart", ".tmp", ".temp", ".download")
_NO_EXPORT = frozenset(("thumbs.db", "desktop.ini", "readme", "readme.txt", "readme.md"))


def refuse_other_files(names: Iterable[str]) -> None:
    """Raise Rejected: export_incomplete for a half-written file, not_an_export_file for one that is no data."""
    for name in names:
        file = name.rpartition("/")[2].lower()
        if file.endswith(_HALF_WRITTEN):
            raise Rejected(
                "export_incomplete",
                f"the export is not complete: {key_text(name)} is half-written, by its name; nothing was written:"
                " wait until it has its own name, or remove it",
            )
        if file in _NO_EXPORT:
            raise Rejected(
                "not_an_export_file",
                f"{key_text(name)} is not an export's file; nothing was written: remove it from the folder",
            )
