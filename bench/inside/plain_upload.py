"""A plain upload to TikTok: `plain_upload.py FILE SECRET` reads a file whole, and posts it with its MD5.

As AWS's sample connector does it: nothing is checked, no line is left out, and the form is built in memory.
https://github.com/aws-samples/uploading-audiences-to-tiktok-ads (read 2026-11-30)
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import urllib3

from bench.inside.meter import metered

UPLOAD = "/open_api/v1.3/dmp/custom_audience/file/upload/"
IDENTIFIERS = "EMAIL_SHA256"


def upload(path: Path, secret: str) -> dict[str, Any]:
    """Post the file; return its bytes. Raises RuntimeError when the answer is not TikTok's OK."""
    account = json.loads(secret)
    data = path.read_bytes()
    signature = hashlib.md5(data, usedforsecurity=False).hexdigest()
    fields = {
        "advertiser_id": account["ADVERTISER_ID"],
        "calculate_type": IDENTIFIERS,
        "file_signature": signature,
        "file": (path.name, data, "text/csv"),
    }
    headers = {"Access-Token": account["ACCESS_TOKEN"]}
    answer = urllib3.PoolManager().request("POST", account["ENDPOINT"] + UPLOAD, fields=fields, headers=headers)
    if answer.json()["code"] != 0:
        raise RuntimeError("the upload was refused")
    return {"body_bytes": len(data)}


if __name__ == "__main__":
    metered(lambda: upload(Path(sys.argv[1]), sys.argv[2]))
