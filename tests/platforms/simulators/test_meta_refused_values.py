"""The simulated Meta's refusal of a whole upload for what one row holds."""

from __future__ import annotations

import hashlib

import pytest
import requests

from sandbox.platforms.outside import Outside


def digest(text: str) -> str:
    """Hash as a careful client does."""
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("rows_with_it", [0, 1])
def test_an_upload_is_refused_for_a_value_and_nothing_of_it_is_applied(meta: Outside, rows_with_it: int) -> None:
    """Code 100 names no row; the same upload without the value is taken."""
    secret = meta.secret()
    headers = {"Authorization": f"Bearer {secret['access_token']}"}
    base = f"{meta.base_url}/v27.0"
    wanted = {"name": "VIP", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    audience = requests.post(
        f"{base}/act_{secret['ad_account_id']}/customaudiences", json=wanted, headers=headers, timeout=30
    ).json()["id"]
    meta.configure(refused_values=[digest("bad")])
    rows = [[digest(name)] for name in ("a", "b", *["bad"] * rows_with_it)]
    payload = {"schema": ["EMAIL"], "data": rows}
    answer = requests.post(f"{base}/{audience}/users", json={"payload": payload}, headers=headers, timeout=30)
    assert answer.status_code == (400 if rows_with_it else 200)
    assert answer.json().get("error", {}).get("code") == (100 if rows_with_it else None)
    assert digest("bad") not in answer.text
    assert meta.audience("VIP")["count"] == (0 if rows_with_it else 2)
