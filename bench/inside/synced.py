"""The work of the sync, as a script does it: `synced.py HOST PORT CA_FILE SECRET AUDIENCE_ID TENANTS...`.

It reads the customers of each list of tenants (`1,2`) into dictionaries, hashes their values one by one, and sends
10,000 a request, one after another, into an audience that is there, as the worker does that the sync replaces. The
lists are done in turn, so that all but the first are done by a process that is warm.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import time
from pathlib import Path
from typing import Any

import urllib3
from activation.authentication.store import SecretVersion

from lambdas.sync.extract.postgres_access import PostgresAccess
from lambdas.sync.extract.postgres_session import session

SQL = """
select c.email, c.phone, c.firstname, c.lastname from customers_master c
left join cdp.cdp_rfm_analysis r on r.customer_id = c.id
where c.tenant_id in ({tenants}) and c.email like '%@%.%' and c.accepts_marketing
  and coalesce(r.rfm_segment, '') not in ('Lost', 'Hibernating')
"""
FIELDS = {"email": "EMAIL", "phone": "PHONE", "firstname": "FN", "lastname": "LN"}
MEMBERS, TIMEOUT_S = 10_000, 600.0


class HeldSecret:
    """The login of the measured database."""

    def read(self, *, afresh: bool = False) -> SecretVersion:
        """Return the login."""
        return SecretVersion('{"username": "postgres", "password": "-", "dbname": "postgres"}', "1")


def send(access: PostgresAccess, tenants: str, secret: dict[str, str], audience_id: str) -> int:
    """Read, hash and send; return how many rows were answered for."""
    http, done = urllib3.PoolManager(), 0
    with session(access, HeldSecret(), timeout_s=TIMEOUT_S) as opened:
        people = [dict(zip(FIELDS, row, strict=True)) for row in opened.rows(SQL.format(tenants=tenants))]
    lines = [[_hashed(one[name]) for name in FIELDS] for one in people]
    token = secret["access_token"]
    proof = hmac.new(secret["app_secret"].encode(), token.encode(), hashlib.sha256).hexdigest()
    for first in range(0, len(lines), MEMBERS):
        some = lines[first : first + MEMBERS]
        payload = {"schema": list(FIELDS.values()), "data": some}
        answer = http.request(
            "POST",
            f"{secret['endpoint']}/v26.0/{audience_id}/users",
            json={"payload": payload, "access_token": token, "appsecret_proof": proof},
        )
        done += int(answer.json()["num_received"])
    return done


def _hashed(value: object) -> str:
    text = str(value or "").lower().strip()
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def main() -> None:
    """Do the work that the arguments name, and print when each list was begun, in Unix seconds, and its rows."""
    host, port, ca_file, secret, audience_id, *lists = sys.argv[1:]
    access = PostgresAccess(host, int(port), ca_file=Path(ca_file))
    done: list[dict[str, Any]] = []
    for tenants in lists:
        began = time.time()
        done.append({"began": began, "rows": send(access, tenants, json.loads(secret), audience_id)})
    print(json.dumps({"lists": done}))


if __name__ == "__main__":
    main()
