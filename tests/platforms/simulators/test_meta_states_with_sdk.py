"""What the simulated Meta tells of audiences, sessions and tokens, read by Meta's own SDK."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Any

import pytest
from activation.platforms.account import AdAccount
from activation.platforms.credentials import Credentials
from activation.platforms.options import complete
from activation.platforms.platform import Examination
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.crashreporter import CrashReporter

from lambdas.meta.platform import PLATFORM
from sandbox.platforms.outside import Outside
from tests.platforms.simulators.meta_sdk import create, digest, refusal

Field = CustomAudience.Field


def test_flags_of_an_audience_are_read(meta: Outside, account: Any) -> None:
    """What Meta objects to, when it deletes, and whether it delivers are fields that the SDK knows by name."""
    audience = create(account)
    meta.configure(
        audiences=[
            {
                "name": "VIP",
                "operation_status": 471,
                "delivery_status": 400,
                "fields_violating_integrity_policy": ["name"],
                "delete_time": 1_803_000_000,
            }
        ]
    )
    told = (
        Field.operation_status,
        Field.delivery_status,
        Field.fields_violating_integrity_policy,
        Field.delete_time,
    )
    read = audience.api_get(fields=list(told))
    assert (read[Field.operation_status]["code"], read[Field.delivery_status]["code"]) == (471, 400)
    assert (read[Field.fields_violating_integrity_policy], read[Field.delete_time]) == (["name"], 1_803_000_000)


def test_the_bounds_of_an_audience_s_size_are_read(meta: Outside, account: Any) -> None:
    """Meta rounds, so that it tells a lower and an upper bound."""
    audience = create(account)
    meta.configure(audiences=[{"name": "VIP", "size": 10_000}])
    bounds = (Field.approximate_count_lower_bound, Field.approximate_count_upper_bound)
    read = audience.api_get(fields=list(bounds))
    assert [read[one] for one in bounds] == [7000, 7100]


def test_every_row_of_a_value_based_audience_has_a_value(meta: Outside, account: Any) -> None:
    """Without the column Meta refuses additions and removals alike."""
    audience = create(account, is_value_based=True)
    valued = {
        "schema": ["EMAIL", "LOOKALIKE_VALUE"],
        "is_raw": True,
        "data": [[digest("a"), 12.5], [digest("b"), 0]],
    }
    assert audience.create_user(params={"payload": valued})["num_received"] == 2
    plain = {"schema": ["EMAIL"], "is_raw": True, "data": [[digest("a")]]}
    for call in (audience.create_user, audience.delete_users):
        error = refusal(partial(call, params={"payload": plain}))
        assert error.api_error_code() == 100
        assert "LOOKALIKE_VALUE" in error.api_error_message()
    assert meta.audience("VIP")["count"] == 2


def test_a_session_tells_what_it_received_so_far_and_how_many_matched(meta: Outside, account: Any) -> None:
    """The counts are of all batches of the session, as texts; the answer to each batch has the same sum."""
    audience, said = create(account), []
    for number in (1, 2):
        rows = [[digest(f"{number} {row}")] for row in range(10)]
        payload = {"schema": ["EMAIL"], "is_raw": True, "data": rows}
        session = {"session_id": 8, "batch_seq": number, "last_batch_flag": number == 2}
        said.append(audience.create_user(params={"payload": payload, "session": session})["num_received"])
    assert said == [10, 20]
    (read,) = audience.get_sessions(params={"session_id": 8})
    assert (read["num_received"], read["num_matched"], read["num_invalid_entries"]) == ("20", "14", "0")


def test_the_end_of_a_token_is_read(meta: Outside, api: Any) -> None:
    """A token may ask about itself."""
    end = int(time.time()) + 86_400
    meta.configure(tokens=[{"expires_at": end}])
    token = meta.secret()["access_token"]
    assert api.call("GET", ("debug_token",), {"input_token": token}).json()["data"]["expires_at"] == end


def test_doctor_reports_nothing_to_meta(meta: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would send our crashes to Meta, and make its session everybody's default, if `init` made it."""
    reported: list[object] = []
    monkeypatch.setattr(CrashReporter, "enable", lambda *_: reported.append("enabled"))
    secret, hook = meta.secret(), sys.excepthook
    own = AdAccount(secret["ad_account_id"], meta.base_url, complete(PLATFORM.options, {}))
    asked = Examination(Credentials(secret), own, "", lambda _: pytest.fail("not by the SDK"), own_sdk=True)
    found = list(PLATFORM.load().examine(asked))
    assert found
    assert all(one.ok for one in found)
    assert (reported, sys.excepthook, FacebookAdsApi.get_default_api()) == ([], hook, None)
    routes = {one["route"].split("/")[-1] for one in meta.requests()}
    assert routes == {"permissions", "debug_token", "customaudiences", f"act_{secret['ad_account_id']}"}
