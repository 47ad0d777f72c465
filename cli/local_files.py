"""The files that a command was given: one file, or the files of a folder that are one drop."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from activation.identifiers.column_map import Entries

    from cli.dry_run import Content

_TIME = re.compile(r"-\d{8}T\d{6}Z\Z")


@dataclass(frozen=True)
class LocalFiles:
    """What is dropped: `name` is the file's, or the folder's.

    `paths` are the files by their names in the drop; in a folder these are paths below it, in the order of their
    keys. `skipped` are the names of what is no data: see activation/drops/sidecars.py. `unlisted` are those of
    data that the folder's own manifest does not name, and that is not dropped. `columns`, `date_order`,
    `time_zone`, `identifiers`, `platform` and `encoding` are what that manifest says of how the files are read, ""
    and nothing if it says none.
    """

    name: str
    paths: tuple[tuple[str, Path], ...]
    is_folder: bool
    skipped: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    columns: Entries = ()
    date_order: str = ""
    time_zone: str = ""
    identifiers: str = ""
    platform: str = ""
    encoding: str = ""

    @property
    def size_bytes(self) -> int:
        """Return the size of all files."""
        return sum(path.stat().st_size for _, path in self.paths)

    @property
    def described(self) -> dict[str, Any]:
        """Return what is dropped of a folder, as `--json` shows it: the number of files, and what is left out."""
        more = {"unlisted": list(self.unlisted)} if self.unlisted else {}
        return {"files": len(self.paths), "skipped": list(self.skipped), **more}

    def kind(self, given: str) -> str:
        """Return the `<identifiers>` of the drop: the given one, else the manifest's, "" for neither.

        It is a usage error to give another than the manifest's: hashes would be normalised and hashed again.
        """
        if given and self.identifiers and given.lower() != self.identifiers:
            raise typer.BadParameter(
                f"the folder's manifest says that the files are {self.identifiers}", param_hint="--identifiers"
            )
        return given or self.identifiers

    def said(self, own: Entries) -> Entries:
        """Return what is said of the columns: what the command says, and else what the manifest does."""
        from activation.identifiers.column_map import without

        return (*without(self.columns, own), *own)

    def content(self, reached: Callable[[int], None] = lambda _: None) -> Content:
        """Return what a dry run reads; `reached` hears how many bytes of all files come before what is read."""
        from activation.drops.folder_files import FolderMember
        from activation.drops.source import FileSource

        from cli.watched import Watched

        members, before = [], 0
        for name, path in self.paths:
            source = FileSource(path)
            members.append(FolderMember(name, Watched(source, reached, before)))
            before += source.size_bytes
        return tuple(members) if self.is_folder else members[0].source


def local_files(given: Sequence[Path], *, as_folder: bool = False) -> LocalFiles:
    """Return the files of a command's arguments: one file, several files, or one folder; else it is a usage error.

    Several files, and with `as_folder` one, are a folder without a name of its own, called "files".
    """
    if len(given) == 1 and given[0].is_dir():
        return _of_folder(given[0])
    if any(path.is_dir() for path in given):
        raise typer.BadParameter("give one folder, or files")
    if len(given) == 1 and not as_folder:
        return LocalFiles(given[0].name, ((given[0].name, given[0]),), is_folder=False)
    paths = tuple(sorted((path.name, path) for path in given))
    if len({name for name, _ in paths}) < len(paths):
        raise typer.BadParameter("two of the files have the same name")
    return LocalFiles("files", paths, is_folder=True)


def folder_name(given: str, local: LocalFiles) -> str:
    """Return the name of a folder in the bucket: the given one, else the local one with the time in UTC.

    The same folder dropped again is another one then. A time that the local name ends with, as normalize writes
    it, is replaced. A given name with a slash is a usage error.
    """
    if "/" in given:
        raise typer.BadParameter('must not contain "/"', param_hint="--folder")
    return given or f"{_TIME.sub('', local.name)}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def _of_folder(folder: Path) -> LocalFiles:
    from activation.drops.sidecars import is_manifest, is_sidecar, is_sidecar_folder, is_sign

    from cli.local_manifest import LocalManifest, is_ours, read_local_manifest

    try:
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    except OSError as error:  # such as a folder below it that was deleted meanwhile
        raise typer.BadParameter(f"the folder cannot be listed: {error.strerror}: {error.filename}") from None
    kept: list[str] = []
    skipped: list[str] = []
    for name in names:
        *folders, file = name.split("/")
        no_data = is_sidecar(file) or is_sign(file) or any(map(is_sidecar_folder, folders))
        (skipped if no_data else kept).append(name)
    if not kept:
        raise typer.BadParameter("the folder has no files")
    manifests = [one for one in skipped if is_manifest(one) and not is_sidecar(one)]
    for one in manifests:
        if "/" in one and is_ours(folder / one):
            inner = folder / one.rpartition("/")[0]
            raise typer.BadParameter(f"the drop is the folder below it that has a manifest: give {inner}")
    if len(manifests) > 1:
        raise typer.BadParameter(f"the folder has several manifests: {', '.join(manifests)}")
    said = read_local_manifest(folder, manifests[0], kept) if manifests else LocalManifest(frozenset(kept))
    paths = tuple((one, folder / one) for one in kept if one in said.names)
    unlisted = tuple(one for one in kept if one not in said.names)
    name = folder.resolve().name
    told = (said.columns, said.date_order, said.time_zone, said.identifiers, said.platform, said.encoding)
    return LocalFiles(name, paths, True, tuple(skipped), unlisted, *told)


def left_out_text(folder: dict[str, Any]) -> str:
    """Return what of a folder is not dropped, as people read it: of what `described` returns."""
    parts = (("skipped", folder["skipped"]), ("not in its manifest", folder.get("unlisted", [])))
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names)
