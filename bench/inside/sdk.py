"""The path of Meta's SDK: pandas chunks of 10,000, `CustomAudience.format_params`, JSON, form encoding.

https://github.com/facebook/facebook-python-business-sdk, facebook_business/adobjects/helpers/customaudiencemixin.py
(read 2026-11-22). Its input cells are text, as pandas reads them; nothing is sent.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd
from facebook_business.adobjects.customaudience import CustomAudience

from bench.inside.meter import metered

CHUNK_ROWS = 10_000
KEYS = CustomAudience.Schema.MultiKeySchema
SCHEMA = {
    "email": KEYS.email,
    "phone": KEYS.phone,
    "first_name": KEYS.fn,
    "last_name": KEYS.ln,
    "gender": KEYS.gen,
    "birth_year": KEYS.doby,
    "birth_month": KEYS.dobm,
    "birth_day": KEYS.dobd,
    "city": KEYS.ct,
    "state": KEYS.st,
    "zip": KEYS.zip,
    "country": KEYS.country,
}


def bodies(path: Path) -> dict[str, int]:
    """Generate every body of the file; return counts."""
    rows = size_bytes = 0
    for chunk in pd.read_csv(path, chunksize=CHUNK_ROWS, dtype=str, keep_default_na=False):
        users = chunk.to_numpy().tolist()
        parameters = CustomAudience.format_params([SCHEMA[name] for name in chunk], users, is_raw=True)
        # What FacebookAdsApi.call does with parameters: containers as JSON, then requests' form encoding.
        body = urlencode({"payload": json.dumps(parameters["payload"])}).encode()
        rows, size_bytes = rows + len(users), size_bytes + len(body)
    return {"rows": rows, "body_bytes": size_bytes}


if __name__ == "__main__":
    metered(lambda: dict(bodies(Path(sys.argv[1]))))
