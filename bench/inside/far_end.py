"""Both far ends of a transfer in one process, over TLS: CI360's storage with a file, and an S3 that discards.

`far_end.py FILE FOLDER` writes its authority's certificate to FOLDER/authority.pem and prints its base URL.
`/data` is the file, `/metadata` names its columns; every other path is a key of a bucket.
"""

from __future__ import annotations

import re
import ssl
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import trustme

PIECE_BYTES = 1024 * 1024
COLUMNS = b"identity_id,gender,age_range,external_id,state_cd"
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


class FarEnd(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in two packets would wait for a delayed acknowledgement of the first
    file = Path()
    parts: ClassVar[dict[int, tuple[int, str]]] = {}  # of the one upload there is, whichever connection sends them

    def do_GET(self) -> None:
        """Send the file, its columns, or the list of an upload's parts."""
        if self.path.startswith("/metadata"):
            self._answer(200, COLUMNS)
        elif self.path.startswith("/data"):
            self._send_file()
        else:
            self._list_parts()

    def do_PUT(self) -> None:
        """Accept a part or a small object, and discard its bytes."""
        size, piece = int(self.headers["Content-Length"]), memoryview(bytearray(PIECE_BYTES))
        taken = 0
        while taken < size:
            taken += self.rfile.readinto(piece[: min(PIECE_BYTES, size - taken)])
        checksum = self.headers.get("x-amz-checksum-crc32", "")
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        if "partNumber" in query:
            self.parts[int(query["partNumber"][0])] = size, checksum
        self._answer(200, ETag='"e"')

    def do_POST(self) -> None:
        """Begin or complete an upload."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        kind = "InitiateMultipartUploadResult" if "uploads" in self.path else "CompleteMultipartUploadResult"
        self._answer(200, f"<{kind} {NAMESPACE}><UploadId>u</UploadId></{kind}>".encode())

    def _send_file(self) -> None:
        start = _number(r"bytes=(\d+)-", self.headers.get("Range", ""))
        size = self.file.stat().st_size
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(size - start))
        self.send_header("ETag", '"of-the-file"')
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.end_headers()
        with self.file.open("rb") as file:
            file.seek(start)
            while piece := file.read(PIECE_BYTES):
                self.wfile.write(piece)

    def _list_parts(self) -> None:
        marker = _number(r"part-number-marker=(\d+)", self.path)
        page = sorted(number for number in self.parts if number > marker)[:1000]
        listed = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>e</ETag><Size>{self.parts[number][0]}</Size>"
            f"<ChecksumCRC32>{self.parts[number][1]}</ChecksumCRC32></Part>"
            for number in page
        )
        more = f"<IsTruncated>{str(len(page) == 1000).lower()}</IsTruncated>"
        last = f"<NextPartNumberMarker>{page[-1] if page else 0}</NextPartNumberMarker>"
        self._answer(200, f"<ListPartsResult {NAMESPACE}>{more}{last}{listed}</ListPartsResult>".encode())

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, text in {**headers, "x-amz-version-id": "v", "Content-Length": str(len(body))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def handle_expect_100(self) -> bool:
        """Allow the client to send the body."""
        went_on = super().handle_expect_100()
        self.wfile.flush()
        return went_on

    def log_message(self, *_: object) -> None:
        """Log no request: logging would be part of the measured time."""


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


def serve(file: Path, folder: Path) -> None:
    """Serve until the process is stopped."""
    FarEnd.file = file
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), FarEnd) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        print(f"https://localhost:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
