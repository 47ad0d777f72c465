"""An ad account's node and edges: reading it, listing and creating audiences, deleting people from all of them.

https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/ad-account/customaudiences
(read 2026-11-22).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from sandbox.platforms.meta.audiences import Audience, shown
from sandbox.platforms.meta.calls import ACTIVE, GraphCall
from sandbox.platforms.meta.data_source import check_data_source
from sandbox.platforms.meta.errors import GraphError, invalid, missing, unknown_field
from sandbox.platforms.meta.payload import Payload
from sandbox.platforms.people import named_by

FILE_SOURCES = ("USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED")
MAX_AUDIENCES = 500
PAGE = 25


def read_account(call: GraphCall) -> dict[str, Any]:
    """GET /act_X."""
    account = call.account
    known: dict[str, Any] = {
        "id": f"act_{account.id}",
        "account_id": account.id,
        "name": account.name,
        "account_status": account.account_status,
        "disable_reason": 0 if account.account_status == ACTIVE else 1,
        "currency": "EUR",
        "timezone_name": "Europe/Berlin",
        "tos_accepted": {"custom_audience_tos": 1} if account.terms_accepted else {},
        "user_tasks": ["ADVERTISE", "ANALYZE"],
    }
    found = {"id": known["id"]}
    for name in call.fields(("account_id",)):
        if name not in known:
            raise unknown_field(name, "AdAccount")
        found[name] = known[name]
    return found


def list_audiences(call: GraphCall) -> dict[str, Any]:
    """GET /act_X/customaudiences."""
    limit = call.parameters.whole("limit")
    limit = PAGE if limit is None else limit
    if limit < 1:
        raise invalid("Param limit must be a positive integer")
    if limit > call.world.settings.max_page:
        sentence = "Please reduce the amount of data you're asking for, then retry your request"
        raise GraphError(1, sentence, status=500)
    listed_from = call.world.clock.now() - call.world.settings.listing_s
    listed = [one for one in call.world.of_account(call.account.id) if one.created <= listed_from]
    matching = _filtered(listed, call.parameters.decoded("filtering"))
    start = _start(matching, call.parameters.text("after"), call.parameters.text("before"), limit)
    page = matching[start : start + limit]
    names = call.fields()
    if not page:
        return {"data": []}
    paging: dict[str, Any] = {"cursors": {"before": _cursor(page[0]), "after": _cursor(page[-1])}}
    if start + limit < len(matching):
        query = {
            "access_token": call.token.token,  # Meta puts the token there, too: a client must not log this address
            "fields": ",".join(names),
            "limit": limit,
            "after": _cursor(page[-1]),
        }
        edge = f"{call.endpoint}/{call.version}/act_{call.account.id}/customaudiences"
        paging["next"] = f"{edge}?{urlencode(query)}"
    return {"data": [shown(call.view(one), names) for one in page], "paging": paging}


def _filtered(audiences: list[Audience], filtering: Any) -> list[Audience]:
    if filtering is None:
        return audiences
    if not isinstance(filtering, list):
        raise invalid("Param filtering must be an array")
    for one in filtering:
        if not isinstance(one, dict) or not {"field", "operator", "value"} <= one.keys():
            raise invalid("Param filtering must hold objects with field, operator and value")
        name, value = one["field"], one["value"]
        if name not in ("name", "id", "subtype"):
            raise invalid("Filtering field is not supported on this edge")
        tests: dict[str, Callable[[str], bool]] = {
            "EQUAL": lambda text, value=value: text == value,  # type: ignore[misc]  # value is bound per filter
            "CONTAIN": lambda text, value=value: str(value).lower() in text.lower(),  # type: ignore[misc]  # as above
            "IN": lambda text, value=value: text in value,  # type: ignore[misc]  # as above
        }
        if one["operator"] not in tests:
            raise invalid("Filtering operator is not supported on this edge")
        test = tests[one["operator"]]
        audiences = [audience for audience in audiences if test(str(getattr(audience, name)))]
    return audiences


def _cursor(audience: Audience) -> str:
    return base64.urlsafe_b64encode(f"QVFI{audience.id}".encode()).decode().rstrip("=")


def _start(audiences: list[Audience], after: str | None, before: str | None, limit: int) -> int:
    """Return the index where a page starts; cursors name ids, so deletions meanwhile do not shift the pages."""
    if not after and not before:
        return 0
    try:
        text = base64.urlsafe_b64decode((after or before or "") + "==").decode()
        last = int(text.removeprefix("QVFI"))
    except (binascii.Error, ValueError):
        raise invalid("Invalid cursors values") from None
    if after:
        return sum(1 for one in audiences if int(one.id) >= last)
    return max(0, sum(1 for one in audiences if int(one.id) > last) - limit)


def create_audience(call: GraphCall) -> dict[str, Any]:
    """POST /act_X/customaudiences: names are not unique, so a repetition creates a second audience."""
    parameters = call.parameters
    name = (parameters.text("name") or "").strip()
    if not name:
        raise missing("name")
    subtype = parameters.text("subtype")
    if subtype != "CUSTOM":
        raise missing("subtype") if subtype is None else invalid("Only subtype CUSTOM is simulated")
    source = parameters.text("customer_file_source")
    if source is None:
        raise missing("customer_file_source")
    if source not in FILE_SOURCES:
        raise invalid(f"Param customer_file_source must be one of {{{', '.join(FILE_SOURCES)}}}")
    check_data_source(parameters.decoded("data_source"), "data_source")
    days = parameters.whole("retention_days")
    if days is not None and not 1 <= days <= 180:
        raise invalid("Param retention_days must be from 1 to 180")
    link = parameters.text("opt_out_link")
    if link is not None and not link.startswith(("https://", "http://")):
        raise invalid("Param opt_out_link must be a valid URI")
    own = call.world.of_account(call.account.id)
    if parameters.flag("enable_fetch_or_create"):
        for known in reversed(own):
            if known.name == name and known.subtype == "CUSTOM":
                return {"id": known.id}
    if sum(1 for one in own if one.subtype == "CUSTOM") >= MAX_AUDIENCES:
        raise GraphError(2654, "(#2654) Failed to create custom audience", user_title="Too Many Custom Audiences")
    audience = call.world.create(
        call.account.id,
        name,
        description=parameters.text("description") or "",
        customer_file_source=source,
        retention_days=days or 0,
        is_value_based=parameters.flag("is_value_based"),
        opt_out_link=link,
        early_calls=call.world.settings.early_calls,
    )
    call.audience, call.applied = audience, True
    return {"id": audience.id}


def forget_people(call: GraphCall) -> dict[str, Any]:
    """DELETE /act_X/usersofanyaudience: remove people from every customer-file audience of the account."""
    payload = Payload.of(call.parameters.decoded("payload"))
    checked = payload.checked()
    named = named_by(call.world.settings, payload.cells())
    for audience in call.world.of_account(call.account.id):
        if audience.subtype == "CUSTOM":
            audience.members.remove(audience.members.meant(checked.valid))
            audience.people -= named
    call.applied = True
    return {
        "num_received": checked.received,
        "num_invalid_entries": checked.invalid,
        "invalid_entry_samples": checked.samples,
    }
