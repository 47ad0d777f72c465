"""Answers uploads as Meta, TikTok or Snapchat does and stores nothing: `sink.py DELAY_S` first prints its base URL.

For files so large that a simulator, which stores every member, would need gigabytes.
"""

from __future__ import annotations

import json
import re
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE_BYTES = 256 * 1024
ROWS = re.compile(rb'"estimated_num_total":(\d+)')
TAIL_BYTES = 1024
TIKTOK, SNAPCHAT = "/open_api/", "/v1/"


class Sink(BaseHTTPRequestHandler):
    """One connection; an upload's row count comes from its session, which is last in the body."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in two packets would wait 40 ms for a delayed acknowledgement of the first
    delay_s = 0.0

    def do_GET(self) -> None:
        """Answer that there is no audience yet."""
        if self.path.startswith(SNAPCHAT):
            self._answer({"request_status": "SUCCESS", "segments": []})
            return
        none: dict[str, object] = {"list": [], "page_info": {"total_page": 0}}
        self._answer(_envelope(none) if self.path.startswith(TIKTOK) else {"data": []})

    def do_POST(self) -> None:
        """Accept an upload, or create the audience."""
        left, tail = int(self.headers["Content-Length"]), b""
        while left:
            piece = self.rfile.read(min(PIECE_BYTES, left))
            left -= len(piece)
            tail = (tail + piece)[-TAIL_BYTES:]
        if self.path.startswith(TIKTOK):
            time.sleep(self.delay_s)
            self._answer(_envelope({"file_path": "0123456789abcdef"}))
            return
        if self.path.startswith(SNAPCHAT):
            time.sleep(self.delay_s)
            part = {"sub_request_status": "SUCCESS", "segment": {"id": "1"}, "user": {}}
            self._answer(
                {"request_status": "SUCCESS", "users" if self.path.endswith("/users") else "segments": [part]}
            )
            return
        found = ROWS.search(tail)
        if found is None:
            self._answer({"id": "1"})
            return
        time.sleep(self.delay_s)
        self._answer(
            {"audience_id": "1", "session_id": "1", "num_received": int(found[1]), "num_invalid_entries": 0}
        )

    def _answer(self, body: dict[str, object]) -> None:
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("x-fb-trace-id", secrets.token_urlsafe(8))  # as long as Meta's, which the ledger keeps
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Log no request: logging would be part of the measured time."""


def _envelope(data: dict[str, object]) -> dict[str, object]:
    return {"code": 0, "message": "OK", "request_id": "1", "data": data}


if __name__ == "__main__":
    Sink.delay_s = float(sys.argv[1])
    with ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()
