"""Listing a folder when its sign arrives: which files are the drop, which are left over, and which are no data.

A manifest names the files; `_SUCCESS` stands for all files below its folder that were written since the folder was
closed before. What cannot be listed without doubt is refused, and nothing of it is sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from activation.drops.folder_listing import FolderFile, FolderListing, is_multipart
from activation.drops.folder_look import Below, Found, look_below
from activation.drops.key_text import key_text
from activation.drops.manifest_entries import Manifest, read_manifest
from activation.drops.places import Place
from activation.drops.sidecars import DYNAMODB_SUMMARY, SUCCESS, is_manifest
from activation.drops.sources import Origin
from activation.errors import Rejected
from activation.model import Drop

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_PARTS = 10_000  # files of one folder


@dataclass(frozen=True)
class Before:
    """What earlier closings of a folder took.

    `at` is when the last one's sign was written, in Unix seconds by S3's clock, which counts whole ones. `files`
    are the marks of those that they listed or left over; `has_all` says that all their lists could be read.
    `signs` are the keys of manifests that closed the folder, none of which is in doubt any more. `last_sign` is
    the key of what closed it last, "" for a quiet time, None where nothing did.
    """

    at: float = 0.0
    files: frozenset[tuple[str, str, float]] = frozenset()
    signs: frozenset[str] = frozenset()
    has_all: bool = True
    last_sign: str | None = None

    def took(self, found: Found) -> bool:
        """Return whether a file is left over from an earlier closing."""
        if found.file.mark in self.files:
            return True
        return found.written_at < self.at and not (self.has_all and is_multipart(found.file.etag))


@dataclass(frozen=True)
class Closed:
    """A folder's `listing`, and `at`, when its sign was written, in Unix seconds by S3's clock.

    With `ignored` the sign closes nothing: it lies directly below an audience where no folder is, or its folder
    has a manifest, which is what closes it, or something else has closed it with all of its files.
    """

    listing: FolderListing
    at: float
    ignored: bool = False


def list_folder(
    client: S3Client, origin: Origin, sign: Drop, place: Place, before: Before, *, signed: Before | None = None
) -> Closed:
    """List what a sign closes; `origin` is where it is, `place` its place, `before` the earlier closings.

    `signed` are those of them whose files are not listed again, where these are not all.

    Raises Rejected: empty_folder, too_many_parts, folder_changed (the sign is gone), several_manifests,
    dynamodb_export, and what reading a manifest raises: bad_manifest, bad_columns, manifest_elsewhere,
    manifest_lists_itself, manifest_duplicate, manifest_missing_file, manifest_size_differs. Raises SignReplaced.
    Retryable and ConfigError as reading a drop does.
    """
    name = sign.key.rsplit("/", 1)[-1].lower()
    if name == DYNAMODB_SUMMARY:
        raise Rejected(
            "dynamodb_export",
            "this is an export of DynamoDB, whose items are in a form of its own that is not read; write them as"
            " CSV, JSON Lines or Parquet, for example with Glue or Athena, and close that folder",
        )
    manifest = read_manifest(client, sign, origin.key(place.folder)) if is_manifest(name) else None
    written_at, found = look_below(client, origin, place, sign, must_be_newest=name == SUCCESS)
    if manifest is not None:
        _refuse_others(found, before)
        return Closed(_by_manifest(origin, sign.key, place, manifest, found), written_at)
    earlier = signed or before
    files = [one for one in found.parts if not earlier.took(one)]
    check_count(len(files))
    prefix = origin.key(place.folder)
    stale = tuple(_names(prefix, (one.file.key for one in found.parts if earlier.took(one))))
    listing = FolderListing(
        origin.bucket,
        prefix,
        sign.key,
        tuple(one.file for one in files),
        tuple(sorted(found.skipped)),
        stale,
        left=_left(found, files),
    )
    closed_by_other = before.last_sign not in (None, sign.key) and all(map(before.took, found.parts))
    if closed_by_other or _closed_otherwise(found, before, files) or (place.folder == place.base and not files):
        return Closed(listing, written_at, ignored=True)
    if not files:
        left = f"; {len(stale):,} older files are left over from before, and were not sent again" if stale else ""
        raise Rejected(
            "empty_folder",
            f"the folder was closed without any new file that has content{left}. Files that come after their sign"
            " are late parts: write the sign last",
        )
    return Closed(listing, written_at)


def list_quiet(
    client: S3Client, origin: Origin, place: Place, before: Before, *, with_folders: bool = False
) -> Closed | None:
    """List a folder without a sign, in which nothing has arrived for a while; None when it has no new file.

    With `with_folders` the files of the folders below it are its own too. Raises Rejected (too_many_parts),
    Retryable and ConfigError.
    """
    _, found = look_below(client, origin, place)
    prefix = origin.key(place.folder)
    own = [one for one in found.parts if with_folders or (one.place and one.place.folder == place.folder)]
    files = [one for one in own if not before.took(one)]
    if not files:
        return None
    check_count(len(files))
    stale = tuple(_names(prefix, (one.file.key for one in own if before.took(one))))
    skipped = tuple(sorted(found.skipped))
    listing = FolderListing(
        origin.bucket,
        prefix,
        "",
        tuple(one.file for one in files),
        skipped,
        stale,
        left=_left(found, files),
    )
    return Closed(listing, max(one.written_at for one in files))


def _closed_otherwise(found: Below, before: Before, files: list[Found]) -> bool:
    """Return whether the folder has a manifest of this writing, which closes it instead."""
    if any(one.written_at >= before.at and one.file.key not in before.signs for one in found.manifests):
        return True
    return bool(found.manifests) and not files


def _refuse_others(found: Below, before: Before) -> None:
    if any(one.file.key not in before.signs for one in found.manifests):
        raise Rejected(
            "several_manifests",
            "the folder has another manifest: which files belong together is in doubt. Delete the one that is not"
            " meant, or use a folder for each, and write the manifest again",
        )


def _by_manifest(origin: Origin, key: str, place: Place, manifest: Manifest, found: Below) -> FolderListing:
    """Return the listing of exactly what a manifest names; other files of the folder are left over."""
    listed: Mapping[str, int | None] = manifest.files
    prefix = origin.key(place.folder)
    check_count(len(listed))
    if missing := [one.removeprefix(prefix) for one in sorted(listed) if one not in found.objects]:
        raise Rejected(
            "manifest_missing_file",
            f"{key_text(missing[0])} is in the manifest, and does not exist ({len(missing):,} of"
            f" {len(listed):,} files); write it and redrive, or write a manifest without it",
        )
    files = [found.objects[one].file for one in sorted(listed)]
    differ = [one.key.removeprefix(prefix) for one in files if listed[one.key] not in (None, one.size_bytes)]
    if differ:
        raise Rejected(
            "manifest_size_differs",
            f"{key_text(differ[0])} is not of the size that the manifest says ({len(differ):,} of"
            f" {len(listed):,} files): it was written again since, or cut off; write it again and redrive, or"
            " write the manifest again",
        )
    if not files:
        raise Rejected("empty_folder", "the manifest lists no file")
    left = (one.file.key for one in found.parts if one.file.key not in listed and _is_own(one, place))
    return FolderListing(
        origin.bucket,
        prefix,
        key,
        tuple(files),
        tuple(sorted(one for one in found.skipped if prefix + one not in listed)),
        tuple(_names(prefix, left)),
        manifest.reading,
        _left(found, [found.objects[one] for one in listed]),
        manifest.export,
    )


def _left(found: Below, files: Collection[Found]) -> tuple[FolderFile, ...]:
    """Return the files that are not listed and whose time does not say that they were there."""
    listed = {one.file.key for one in files}
    return tuple(one.file for one in found.parts if one.file.key not in listed and is_multipart(one.file.etag))


def _is_own(one: Found, place: Place) -> bool:
    return one.place is not None and one.place.folder == place.folder


def _names(prefix: str, keys: Iterator[str]) -> list[str]:
    return [key.removeprefix(prefix) for key in keys]


def check_count(count: int) -> None:
    """Raise Rejected (too_many_parts) for a folder of more than MOST_PARTS files."""
    if count > MOST_PARTS:
        raise Rejected(
            "too_many_parts", f"the folder has more than {MOST_PARTS:,} files; write fewer, larger ones"
        )
