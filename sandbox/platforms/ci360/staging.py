"""Staged files behind signed links, as S3 serves them: expiry, ranges, tags, and faulty answers on demand."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import urllib.parse
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response, StreamingResponse

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.platforms.ci360.settings import Ci360Settings

_KEY = b"the simulator's own signing key"
_TIME = "%Y%m%dT%H%M%SZ"
_CHUNK_BYTES = 1024 * 1024
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True)
class StagedFile:
    """A file: content in memory, or a path on this machine for large ones."""

    content: bytes = field(default=b"", repr=False)
    path: Path | None = None

    @property
    def size_bytes(self) -> int:
        """Return the size in bytes."""
        return self.path.stat().st_size if self.path else len(self.content)

    def etag(self, *, changed: bool) -> str:
        """Return the entity tag; a large file's is derived from its name and size."""
        about = f"{self.path} {self.size_bytes}".encode() if self.path else self.content
        return f'"{hashlib.md5(about + (b"changed" if changed else b"")).hexdigest()}"'  # noqa: S324  as S3's are

    def read(self, offset: int, length: int) -> bytes:
        """Read a slice."""
        if self.path is None:
            return self.content[offset : offset + length]
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(length)


def sign(base_url: str, path: str, now: float, lifetime_s: float) -> str:
    """Return a link to a path, valid for `lifetime_s` seconds."""
    parameters = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": "ASIASIMULATED/us-east-1/s3/aws4_request",
        "X-Amz-Date": datetime.fromtimestamp(now, tz=UTC).strftime(_TIME),
        "X-Amz-Expires": str(int(lifetime_s)),
        "X-Amz-Security-Token": "simulated/session+token==",
        "X-Amz-SignedHeaders": "host",
    }
    query = urllib.parse.urlencode(parameters)
    return f"{base_url}{path}?{query}&X-Amz-Signature={_signature(path, query)}"


def _signature(path: str, query: str) -> str:
    return hmac.new(_KEY, f"{path}?{query}".encode(), hashlib.sha256).hexdigest()


def serve(
    request: Request, file: StagedFile | None, settings: Ci360Settings, now: float, *, cut: bool
) -> Response:
    """Answer a request for a file; `cut` closes the connection in the middle, as the settings ask."""
    if settings.redirect_to:
        return RedirectResponse(settings.redirect_to, status_code=302)
    refusal = _refusal(request, now)
    if refusal:
        return refusal
    if file is None:
        return _error(404, "NoSuchKey", "The specified key does not exist.")
    etag, size = file.etag(changed=settings.changed), file.size_bytes
    start, end, status = 0, size, 200
    wanted = _RANGE.fullmatch(request.headers.get("range", ""))
    unchanged = request.headers.get("if-range", etag) == etag
    if wanted and unchanged and not settings.ignore_ranges:
        start = int(wanted[1])
        end = min(int(wanted[2]) + 1, size) if wanted[2] else size
        status = 206
        if start >= size:
            return _error(416, "InvalidRange", "The requested range is not satisfiable")
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Type": "binary/octet-stream"}
    if not settings.no_length:
        headers["Content-Length"] = str(end - start + settings.extra_length)
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    if settings.encoding:
        headers["Content-Encoding"] = settings.encoding
    stop = min(end, start + (settings.cut_after_bytes or 0)) if cut else end
    return StreamingResponse(_bytes(file, start, stop, settings), status_code=status, headers=headers)


async def _bytes(file: StagedFile, start: int, end: int, settings: Ci360Settings) -> AsyncIterator[bytes]:
    chunk = _CHUNK_BYTES
    if settings.bytes_per_s is not None:
        chunk = max(1, min(chunk, settings.bytes_per_s // 10))
    for offset in range(start, end, chunk):
        piece = file.read(offset, min(chunk, end - offset))
        if settings.bytes_per_s is not None:
            await asyncio.sleep(len(piece) / settings.bytes_per_s)
        yield piece


def _refusal(request: Request, now: float) -> Response | None:
    given = dict(request.query_params)
    query = str(request.url.query).rpartition("&X-Amz-Signature=")[0]
    if not hmac.compare_digest(_signature(request.url.path, query), given.get("X-Amz-Signature", "")):
        return _error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")
    signed = datetime.strptime(given["X-Amz-Date"], _TIME).replace(tzinfo=UTC).timestamp()
    if now > signed + int(given["X-Amz-Expires"]):
        return _error(403, "AccessDenied", "Request has expired")
    return None


def _error(status: int, code: str, sentence: str) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{sentence}</Message></Error>'
    return Response(body, status_code=status, media_type="application/xml")
