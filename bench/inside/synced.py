"""A selection from PostgreSQL to its last acknowledged request: `synced.py ours|script HOST PORT CA FOLDER ROWS SECRET`.

`ours` extracts and sends as the two functions do, S3 and the queue left out. `script` reads the same rows into
dictionaries, hashes them one by one, and sends 10,000 a request, one after another, as the worker does that the sync
replaces. Each is done twice in one process: the second time is warm.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3
from activation.buffers import from_malloc

from bench.inside.extraction import COLUMNS, SQL, Folder, HeldSecret
from bench.inside.meter import metered
from bench.inside.worker import loaded, work
from lambdas.sync.extract.postgres import PostgresSource
from lambdas.sync.extract.postgres_access import PostgresAccess
from lambdas.sync.extract.postgres_session import session
from lambdas.sync.source import Consent, Parameter, Selection

TENANTS = tuple(range(1000))
EXCLUDED = ("Lost", "Hibernating")
MEMBERS, TIMEOUT_S = 10_000, 600.0
FIELDS = {"email": "email", "phone": "phone", "firstname": "FN", "lastname": "LN"}


def ours(access: PostgresAccess, folder: Path, rows: int, secret: str) -> int:
    """Extract and send; return how many rows were acknowledged."""
    named = tuple((name, FIELDS.get(name, "ignore")) for name in COLUMNS if name in FIELDS)
    params: dict[str, Parameter] = {"tenants": TENANTS, "not_segments": EXCLUDED, "most": rows}
    asked = Selection(named, SQL, "", params, Consent("accepts_marketing", ("true", "false")))
    source = PostgresSource(access, HeldSecret())
    found = source.extract(asked, Folder(folder), time.time() + TIMEOUT_S, "a" * 32)
    sent = [
        work(Path(part.key), loaded("meta"), secret, in_flight=4, ledger_s=0.005)["acknowledged"]
        for part in found.parts
    ]
    return sum(sent)


def script(access: PostgresAccess, _folder: Path, rows: int, secret: str) -> int:
    """Read, hash and send as a script does; return how many rows were answered for."""
    told, http, done = json.loads(secret), urllib3.PoolManager(), 0
    sql = SQL.replace(":tenants", f"({', '.join(map(str, TENANTS))})").replace(":most", str(rows))
    names = (*COLUMNS, "accepts_marketing")
    with session(access, HeldSecret(), timeout_s=TIMEOUT_S) as opened:
        read = opened.rows(sql.replace(":not_segments", "('Lost', 'Hibernating')"))
        people = [dict(zip(names, row, strict=True)) for row in read]
    lines = [[_hashed(one[name]) for name in FIELDS] for one in people if one["accepts_marketing"] is not None]
    for first in range(0, len(lines), MEMBERS):
        some = lines[first : first + MEMBERS]
        payload = {"schema": ["EMAIL", "PHONE", "FN", "LN"], "data": some}
        body = {"payload": payload, "session": {"session_id": 1, "estimated_num_total": len(some)}}
        text = json.dumps(body, separators=(",", ":")).encode()
        answer = http.request("POST", f"{told['endpoint']}/v26.0/1/users", body=text)
        done += int(answer.json()["num_received"])
    return done


def _hashed(value: object) -> str:
    text = str(value or "").lower().strip()
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def main() -> None:
    """Do the work that the arguments name, twice."""
    way, host, port, ca_file, folder, rows, secret = sys.argv[1:]
    access = PostgresAccess(host, int(port), ca_file=Path(ca_file))
    send: Callable[[PostgresAccess, Path, int, str], int] = ours if way == "ours" else script

    def twice() -> dict[str, Any]:
        took, sent = [], 0
        for _ in range(2):
            began = time.perf_counter()
            sent = send(access, Path(folder), int(rows), secret)
            took.append(time.perf_counter() - began)
        return {"rows": sent, "first_s": took[0], "second_s": took[1]}

    metered(twice)


if __name__ == "__main__":
    from_malloc()
    main()
