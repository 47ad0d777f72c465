"""What lies below a folder when it is closed: files, signs and sidecars, each in its current version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from activation.drops.folder_listing import FolderFile, identity
from activation.drops.locate import refuse_folders
from activation.drops.places import Place, Role, place_of
from activation.drops.sidecars import is_manifest
from activation.drops.source import read_error
from activation.drops.sources import Origin
from activation.errors import Rejected
from activation.model import Drop

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class SignReplaced(Exception):
    """A newer version of the sign has been written; its event closes the folder."""


@dataclass(frozen=True)
class Found:
    """A current object below the folder; `written_at` is in Unix seconds by S3's clock."""

    file: FolderFile
    written_at: float
    place: Place | None


@dataclass
class Below:
    """What lies below a folder, by what it is."""

    parts: list[Found] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    manifests: list[Found] = field(default_factory=list)
    objects: dict[str, Found] = field(default_factory=dict)


def look_below(
    client: S3Client, origin: Origin, place: Place, sign: Drop | None = None, *, must_be_newest: bool = False
) -> tuple[float, Below]:
    """Return when the sign was written, and what lies below its folder; a sign that is gone counts as older."""
    found, written_at, newest = Below(), 0.0, ""
    prefix, mine = origin.key(place.folder), identity(sign.key, sign.version_id, sign.etag) if sign else None
    for key, version, is_latest, size_bytes, etag, at in _versions(client, origin.bucket, prefix):
        if mine is not None and key == mine[0]:
            _, which = identity(key, version, etag)
            written_at = at if which == mine[1] else written_at
            newest = which if is_latest else newest
        elif is_latest:
            file = FolderFile(key, version, etag, size_bytes)
            _sort(found, Found(file, at, place_of(origin.layout_key(key), size_bytes)), origin, place)
    if must_be_newest and mine is not None and newest != mine[1]:
        if newest:
            raise SignReplaced
        raise Rejected(
            "folder_changed",
            "the sign was deleted before the folder was listed: the folder is being written again; what closes it"
            " then starts the run",
        )
    found.parts.sort(key=lambda one: one.file.key)
    return written_at, found


def _versions(client: S3Client, bucket: str, prefix: str) -> Iterator[tuple[str, str, bool, int, str, float]]:
    """Yield key, version, whether it is the current one, size, ETag and time of all versions below a prefix."""
    try:
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            for one in page.get("Versions", []):
                at = one["LastModified"].timestamp()
                yield one["Key"], one["VersionId"], one["IsLatest"], one["Size"], one["ETag"], at
    except (ClientError, BotoCoreError) as error:
        raise read_error(error) from error


def _sort(found: Below, one: Found, origin: Origin, folder: Place) -> None:
    """Put an object where it belongs; what lies below another action is none of the folder's."""
    key, place = one.file.key, one.place
    if place is None or place.base != folder.base:
        return
    found.objects[key] = one
    if place.role is Role.FILE:
        return  # a drop of its own, unless a manifest lists it
    try:
        refuse_folders(origin.layout_key(key))
    except Rejected:
        return  # refused by its own event
    if place.role is Role.PART:
        found.parts.append(one)
        return
    found.skipped.append(key.removeprefix(origin.key(folder.folder)))
    if place.role is Role.SIGN and is_manifest(key.rsplit("/", 1)[-1]) and place.folder == folder.folder:
        found.manifests.append(one)
