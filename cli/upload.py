"""Uploads of `activation drop`: a file, or the files of a folder and then the manifest that closes it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from activation.drops.folder_manifest import NOTHING_SAID, ManifestReading, manifest_text
from activation.drops.source import BytesSource
from activation.identifiers.column_map import to_metadata
from boto3.s3.transfer import TransferConfig

from cli.dry_run import Content
from cli.local_files import LocalFiles

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AT_ONCE = 8
MANIFEST = "manifest"


@dataclass(frozen=True)
class Upload:
    """A drop that is ready to be uploaded under `key`, that of the manifest where it is a folder.

    `content` is what the connector would read: the files of `local`, or the first rows of them. `said` is what is
    said of this drop alone.
    """

    local: LocalFiles
    content: Content
    key: str
    said: ManifestReading = NOTHING_SAID

    @property
    def is_folder(self) -> bool:
        """Return whether the files of a folder are uploaded."""
        return isinstance(self.content, tuple)

    @property
    def keys(self) -> list[str]:
        """Return the keys of all objects."""
        return [self.key, *(self._prefix + name for name, _ in self.local.paths if self.is_folder)]

    def check(self) -> None:
        """Raise Rejected where the drop would be refused once it is uploaded.

        bad_columns: what is said of its columns cannot travel with it.
        """
        if self.is_folder:
            self._manifest("")
        else:
            self._metadata()

    def to(self, bucket: str, *, quiet: bool) -> str:
        """Upload all of it; return the version of the object that begins the run.

        The manifest is uploaded after the files that it lists: where one of them fails, nothing is sent.
        """
        from rich.console import Console
        from rich.progress import Progress

        screen = Console(stderr=True)
        size_bytes = self.local.size_bytes if isinstance(self.content, tuple) else self.content.size_bytes
        with Progress(console=screen, transient=True, disable=quiet or not screen.is_terminal) as progress:
            task = progress.add_task("uploading", total=size_bytes)
            return self._put(bucket, lambda sent: progress.update(task, advance=sent))

    def _put(self, bucket: str, uploaded: Callable[[int], None]) -> str:
        client = boto3.client("s3")
        if isinstance(self.content, tuple):
            self._put_files(client, bucket, uploaded)
            body = io.BytesIO(self._manifest(bucket).encode())
            version = _Version(client)
            client.upload_fileobj(body, bucket, self.key, ExtraArgs={"ContentType": "application/json"})
        else:
            metadata = self._metadata()
            more = {"Metadata": metadata} if metadata else None
            version = _Version(client)
            if isinstance(self.content, BytesSource):
                file = io.BytesIO(self.content.data)
                client.upload_fileobj(file, bucket, self.key, ExtraArgs=more, Callback=uploaded)
            else:
                path = str(self.local.paths[0][1])
                client.upload_file(path, bucket, self.key, ExtraArgs=more, Callback=uploaded)
        return version.id

    def _put_files(self, client: S3Client, bucket: str, uploaded: Callable[[int], None]) -> None:
        config = TransferConfig(use_threads=False)

        def put(one: tuple[str, Path]) -> None:
            name, path = one
            client.upload_file(str(path), bucket, self._prefix + name, Config=config, Callback=uploaded)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(put, self.local.paths):
                pass

    @property
    def _prefix(self) -> str:
        return self.key.removesuffix(MANIFEST)

    def _manifest(self, bucket: str) -> str:
        sizes = [(self._prefix + name, path.stat().st_size) for name, path in self.local.paths]
        return manifest_text(bucket, sizes, self.said)

    def _metadata(self) -> dict[str, str]:
        said = self.said
        return to_metadata(said.columns, said.date_order, said.time_zone, said.encoding)


def put_file(path: Path, bucket: str, key: str) -> str:
    """Upload a file, and return its version; raises what boto3 raises."""
    client = boto3.client("s3")
    version = _Version(client)
    client.upload_file(str(path), bucket, key)
    return version.id


class _Version:
    """The version that S3 gave what a client uploaded last, "" without versions.

    boto3's uploads do not return it, and whoever may only upload may not ask for it: that takes `s3:GetObject`.
    """

    def __init__(self, client: S3Client) -> None:
        self.id = ""
        for call in ("PutObject", "CompleteMultipartUpload"):
            client.meta.events.register(f"after-call.s3.{call}", self._note)

    def _note(self, parsed: Mapping[str, Any], **_: object) -> None:
        self.id = str(parsed.get("VersionId", ""))
