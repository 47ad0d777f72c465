"""S3 GetObject with both a range and a version id: 206 and the slice; the emulator would send the whole object."""

from __future__ import annotations

from typing import Any

from ministack.services import s3

from sandbox.emulator.hook import Function, Hook

_GET = Hook("ministack.services.s3", "_get_object", ("bucket_name", "key", "headers", "query_params"))

HOOKS = (_GET, Hook("ministack.services.s3", "_parse_range", ("range_header", "total")))

_Answer = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Return only the requested slice of a versioned object."""
    _GET.replace(_sliced)


def _sliced(original: Function) -> Function:
    def get(
        bucket_name: str, key: str, headers: dict[str, str], query_params: dict[str, Any] | None = None
    ) -> _Answer:
        answer: _Answer = original(bucket_name, key, headers, query_params)
        status, answer_headers, body = answer
        wanted = headers.get("range", "")
        if status != 200 or not wanted:
            return answer
        total = len(body)
        span = s3._parse_range(wanted, total)
        if span is None:
            error = s3._xml_body(s3._range_error_xml(bucket_name, key))
            return 416, {"Content-Type": "application/xml", "Content-Range": f"bytes */{total}"}, error
        start, end = span
        # The whole object's checksum does not match a slice; an SDK that verifies it would refuse the slice.
        kept = {
            name: text for name, text in answer_headers.items() if not name.lower().startswith("x-amz-checksum-")
        }
        piece = body[start : end + 1]
        kept["Content-Length"] = str(len(piece))
        kept["Content-Range"] = f"bytes {start}-{end}/{total}"
        return 206, kept, piece

    return get
