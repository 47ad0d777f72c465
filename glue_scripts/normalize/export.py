"""The export that is read: its files, fixed once, and whether they are all there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from activation.drops.folder_files import FolderFiles, FolderMember
from activation.drops.folder_header import FolderHeader, common_header
from activation.drops.folder_listing import FolderListing
from activation.drops.folder_reader import FolderReader
from activation.drops.key_text import key_text
from activation.drops.quotes import Escape
from activation.drops.sidecars import SUCCESS, is_manifest, is_sidecar, is_sidecar_folder, is_sign
from activation.errors import Rejected
from activation.records import DamagedRecord, from_json

from glue_scripts.normalize.errors import in_words_of_exports
from glue_scripts.normalize.mapping import Complete, Input
from glue_scripts.normalize.other_files import refuse_other_files
from glue_scripts.normalize.storage import Folder, LocalFolder, S3Folder, StoredFile, text_of

MOST_FILES = 100_000
_WRITERS_FOLDER = "_temporary"  # Hadoop's and Spark's, while a job writes


@dataclass(frozen=True)
class Export:
    """The files of an export, in the order of their names, and those that are no data."""

    folder: Folder
    files: tuple[StoredFile, ...]
    skipped: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Return the stored size of all files."""
        return sum(one.size_bytes for one in self.files)

    def opened(self, given: Input, header: FolderHeader | None = None) -> FolderReader:
        """Return the reader of all files; the headers are read unless they are given.

        Raises Rejected: headers_differ, empty_export, and whatever refuses a file.
        """
        files = FolderFiles(
            [FolderMember(one.name, self.folder.source(one)) for one in self.files],
            declared_delimiter=given.delimiter or None,
            declared_encoding=given.encoding or None,
            declared_escape=Escape(given.escape) if given.escape else None,
        )
        try:
            return FolderReader(header or common_header(files), files)
        except Rejected as error:
            if error.code == "empty_file":
                raise _empty() from None
            raise in_words_of_exports(error) from None


def export_at(place: LocalFolder | S3Folder, complete: Complete, *, is_folder: bool = False) -> Export:
    """Return the export at a path: a folder, or one file unless `is_folder`.

    A manifest says which files belong to it. Raises Rejected: empty_export where there is nothing,
    export_incomplete where something says that not all is there, and not_an_export_file.
    """
    given = place
    place, found = (place, place.files()) if is_folder else _listed(place)
    names = {one.name for one in found}
    manifests = [
        one for one in found if "/" not in one.name and is_manifest(one.name) and not is_sidecar(one.name)
    ]
    kept = [one for one in found if _is_data(one.name)]
    if len(manifests) > 1:
        raise _incomplete("it has several manifests")
    if manifests:
        kept = _named_by(place, manifests[0], kept)
    else:
        refuse_other_files(one.name for one in kept)
    signed = any(name.lower() == SUCCESS for name in names)
    if not manifests and not signed:
        is_whole = place is given  # not one file of a folder, whose other files do not matter
        is_empty = is_whole and isinstance(place, LocalFolder) and place.has_folder(_WRITERS_FOLDER)  # not in S3
        if is_empty or any(f"/{_WRITERS_FOLDER}/" in f"/{name}" for name in names):
            raise _incomplete("a job that writes it has not finished: its folder _temporary is still there")
        if complete is Complete.SIGN:
            raise _incomplete(
                "it has neither a manifest nor a _SUCCESS, which the mapping's input.complete asks for"
            )
    if not any(one.size_bytes for one in kept):
        raise _empty()
    if len(kept) > MOST_FILES:
        raise Rejected(
            "too_many_files", f"the export has more than {MOST_FILES:,} files; write fewer, larger ones"
        )
    skipped = tuple(sorted(names - {one.name for one in kept}))
    return Export(place, tuple(kept), skipped)


def listed_export(listing: str) -> Export:
    """Return the export whose files the listing at a path or s3:// URL names, each as it was when it was listed.

    Raises Rejected as `export_at` does, and export_incomplete for a listing that is damaged.
    """
    try:
        listed = from_json(text_of(listing), FolderListing)
    except DamagedRecord:
        raise _incomplete("the list of its files cannot be read") from None
    files = tuple(StoredFile(listed.name(one), one.size_bytes, one.etag) for one in listed.files)
    if not any(one.size_bytes for one in files):
        raise _empty()
    return Export(S3Folder(listed.bucket, listed.prefix), files, listed.skipped)


def _listed(place: LocalFolder | S3Folder) -> tuple[LocalFolder | S3Folder, tuple[StoredFile, ...]]:
    """Return the folder and its files; of a path that is one file, the folder above it with that file alone."""
    if isinstance(place, LocalFolder):
        if place.path.is_file():
            file = StoredFile(place.path.name, place.path.stat().st_size)
            return LocalFolder(place.path.parent), (file,)
        return place, place.files()
    found = place.files()
    if not found and place.prefix:
        above, _, name = place.prefix.rstrip("/").rpartition("/")
        parent = S3Folder(place.bucket, f"{above}/" if above else "")
        exact = replace(parent, prefix=parent.prefix + name).files()
        return parent, tuple(replace(one, name=name) for one in exact if not one.name)
    return place, found


def _is_data(name: str) -> bool:
    *folders, file = name.split("/")
    return not (is_sidecar(file) or is_sign(file) or any(map(is_sidecar_folder, folders)))


def _named_by(place: Folder, manifest: StoredFile, files: Sequence[StoredFile]) -> list[StoredFile]:
    """Return the files that a manifest names; its URLs may be those of a place that the files came from."""
    text = place.source(manifest).read(0, manifest.size_bytes)
    try:
        entries = [
            (str(one["url"]), (one.get("meta") or {}).get("content_length")) for one in json.loads(text)["entries"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _incomplete('its manifest is not {"entries": [{"url": "s3://..."}]}') from None
    by_name = {one.name: one for one in files}
    found: dict[str, StoredFile] = {}
    for url, size_bytes in entries:
        parts = url.split("/")
        ends = ("/".join(parts[at:]) for at in range(3, len(parts)))
        name = next((one for one in ends if one in by_name), None)
        if name is None:
            raise _incomplete(f"its manifest names {key_text(parts[-1])}, which is not there")
        if size_bytes not in (None, by_name[name].size_bytes):
            raise _incomplete(f"{key_text(name)} has another size than its manifest says")
        found[name] = by_name[name]
    return [found[name] for name in sorted(found)]


def _incomplete(why: str) -> Rejected:
    return Rejected("export_incomplete", f"the export is not complete: {why}; nothing was written")


def _empty() -> Rejected:
    return Rejected(
        "empty_export", "the export has no rows: no file in it has more than a header; nothing was written"
    )
