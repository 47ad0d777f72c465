"""What `doctor` says of the audiences of an ad account: those in a bad state, and how to mend each.

https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience
(read 2026-09-12)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from activation.model import visible_name
from activation.platforms.platform import NO_SIZE, Examination, Finding
from activation.untrusted import identifier, mapping, sequence, text, whole

from lambdas.meta.reads import LATEST_S

FIELDS = (
    "id,name,subtype,operation_status,delivery_status,data_source,delete_time,fields_violating_integrity_policy,"
    "approximate_count_lower_bound,approximate_count_upper_bound"
)
UNUSABLE = 400  # a delivery_status from here on; 300 is an audience that is too small, as a new one is
EXPIRING, RESTRICTED = 100, 471
USABLE = (None, 0, 200, 400, 410, 411, 412, 414, 441)
FLAGGED = (
    "is flagged, since its name or description hints at health or finances: rename it, or ask for a review in Ads"
    " Manager"
)
# By operation_status: whether uploads fail, what it is, and what mends it.
STATES = {
    100: (False, "was unused for two years: Meta deletes it after 90 more days unless an active ad set uses it"),
    415: (False, "holds what a failed replace left: drop the file again"),
    450: (False, "is out of date: drop a current file"),
    470: (True, "was made by an account that is inactive: drop into an audience of another name"),
    471: (True, FLAGGED),
    500: (True, "is in error at Meta: drop into an audience of another name, or ask Meta's support"),
}  # fmt: skip
OBJECTED = ("name", "description")  # the values of fields_violating_integrity_policy, in Meta's SDK 26.0.3
SINGLE_KEY = "HASHES_OR_USER_IDS"
OTHER_SCHEMA = (
    "was filled with single keys before, and refuses the lists that are sent now (2650): drop into an audience of"
    " another name"
)


def findings(one: Examination, audiences: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield a finding for each of our audiences that is in a bad state, and one for the one that was named."""
    named: list[Mapping[str, Any]] = []
    bad = seen = 0
    for audience in audiences:
        name = visible_name(text(audience.get("name")))
        if audience.get("subtype") != "CUSTOM":
            continue
        seen += 1
        if name == one.audience:
            named.append(audience)
        if name and (name == one.audience or one.is_ours(name)):
            _note_size(one, name, audience)
            for found in _of(name, audience):
                bad += 1
                yield found
    if one.audience:
        yield _named(named)
    elif not bad:
        yield Finding("audiences", True, f"none of ours among the account's {seen} is in a bad state")


def _of(name: str, audience: Mapping[str, Any]) -> Iterator[Finding]:
    code = whole(mapping(audience.get("operation_status")).get("code"))
    if code not in USABLE:
        fails, says = STATES.get(code or 0, (False, f"has status {code}"))
        yield Finding("audiences", not fails, f"{name!r} {says}{_more(code, audience)}", warns=not fails)
    elif (delivery := _delivery(audience)) is not None and delivery >= UNUSABLE:
        says = f"cannot be used in ad sets (delivery status {delivery}): see it in Ads Manager's audiences"
        yield Finding("audiences", True, f"{name!r} {says}", warns=True)
    if text(mapping(audience.get("data_source")).get("sub_type")) == SINGLE_KEY:
        yield Finding("audiences", False, f"{name!r} {OTHER_SCHEMA}")


def _more(code: int | None, audience: Mapping[str, Any]) -> str:
    """Return what Meta says beside a status: when it deletes the audience, or what it objects to."""
    if code == EXPIRING and (at := whole(audience.get("delete_time"))) and 0 < at < LATEST_S:
        return f"; Meta says on {datetime.fromtimestamp(at, tz=UTC):%Y-%m-%d}"
    fields = [text(one) for one in sequence(audience.get("fields_violating_integrity_policy"))]
    known = [one for one in fields if one in OBJECTED]
    return f"; Meta objects to its {' and '.join(known)}" if code == RESTRICTED and known else ""


def _delivery(audience: Mapping[str, Any]) -> int | None:
    return whole(mapping(audience.get("delivery_status")).get("code"))


def _note_size(one: Examination, name: str, audience: Mapping[str, Any]) -> None:
    """Note the size that Meta estimates; it says -1 where it estimates none."""
    low, high = (whole(audience.get(f"approximate_count_{bound}_bound")) for bound in ("lower", "upper"))
    if low is None or high is None:
        return
    if low == high == NO_SIZE or 0 <= low <= high:
        one.note_size(name, identifier(audience.get("id")) or "", low, high)


def _named(named: list[Mapping[str, Any]]) -> Finding:
    if not named:
        return Finding("audience", True, "does not exist yet; the first drop creates it")
    status = whole(mapping(named[0].get("operation_status")).get("code"))
    delivery = _delivery(named[0])
    says = f"{len(named)} with this name; status {'unknown' if status is None else status}"
    says += "" if delivery is None else f", delivery status {delivery}"
    return Finding("audience", len(named) == 1 and status in USABLE, says)
