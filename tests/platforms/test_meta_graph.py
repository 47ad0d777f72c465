"""What Meta's Graph API says to all its callers: each API of the family reads errors, headers and tiers alike."""

from __future__ import annotations

import json

import pytest
from activation.platforms.discovery import platforms
from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.platform import Platform

from lambdas.meta_graph import usage
from tests.platforms.conformance import batch, encoded
from tests.platforms.conversation import answer

FAMILY = {name: one for name, one in platforms().items() if one.family == "meta_graph"}
each_api = pytest.mark.parametrize("api", FAMILY.values(), ids=FAMILY)


def outcome_of(api: Platform, code: int, subcode: int | None = None, **headers: object) -> Outcome:
    """Classify an error in answer to an upload of two rows; the headers are given as values."""
    (request,) = encoded(api.rehearsal(), batch(api, 2))
    error = {"code": code, **({"error_subcode": subcode} if subcode else {})}
    texts = {name.replace("_", "-"): json.dumps(value) for name, value in headers.items()}
    return api.rehearsal().classify(request, answer({"error": error}, 400, texts))


@each_api
@pytest.mark.parametrize(
    ("subcode", "why"),
    [
        (458, "no longer installed"),
        (459, "log in"),
        (460, "password"),
        (463, "it has expired"),
        (464, "not confirmed"),
        (467, "not valid"),
        (492, "no role"),
        (None, "not valid"),
        (999, "not valid"),
    ],
)
def test_a_dead_token_is_told_by_its_subcode(api: Platform, subcode: int | None, why: str) -> None:
    """Each way a token dies has a sentence of its own, with the cure in it."""
    outcome = outcome_of(api, 190, subcode)
    assert (outcome.kind, outcome.code) == (OutcomeKind.REFRESH_AUTH, "token_refused")
    assert why in outcome.reason
    assert "Write a new token" in outcome.reason


@each_api
@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        ((368, None), (OutcomeKind.STOP, "blocked_as_abusive", 3600)),
        ((270, None), (OutcomeKind.STOP, "no_permission", 0)),
        ((3, None), (OutcomeKind.STOP, "no_permission", 0)),
        ((299, None), (OutcomeKind.STOP, "no_permission", 0)),
        ((200, 1870092), (OutcomeKind.STOP, "terms_not_accepted", 0)),
        ((104, None), (OutcomeKind.STOP, "signature_refused", 0)),
        ((2635, None), (OutcomeKind.STOP, "version_retired", 0)),
        ((987654, None), (OutcomeKind.STOP, "unknown_error", 0)),
        ((105, None), (OutcomeKind.TOO_LARGE, "too_large", 0)),
        ((1, 99), (OutcomeKind.TOO_LARGE, "too_large", 0)),
        ((4, None), (OutcomeKind.RETRY, "throttled", 60)),
        ((17, 2446079), (OutcomeKind.RETRY, "throttled", 60)),
        ((613, None), (OutcomeKind.RETRY, "throttled", 1800)),
        ((613, 1487742), (OutcomeKind.RETRY, "throttled", 60)),
        ((80000, None), (OutcomeKind.RETRY, "throttled", 60)),
        ((80014, None), (OutcomeKind.RETRY, "throttled", 60)),
    ],
)
def test_a_code_means_the_same_to_every_api(
    api: Platform, error: tuple[int, int | None], wanted: tuple[OutcomeKind, str, float]
) -> None:
    """What is not about audiences or events has one meaning and one wait."""
    outcome = outcome_of(api, *error)
    assert (outcome.kind, outcome.code, outcome.after_s) == wanted


@each_api
def test_an_app_on_development_access_is_told_what_to_ask_for(api: Platform) -> None:
    """Code 270 names the access that the app lacks, not the system user's rights."""
    assert "App Review" in outcome_of(api, 270).reason


@each_api
@pytest.mark.parametrize("code", [1, 2, 5000, 21009])
def test_a_passing_fault_leaves_in_doubt_only_what_would_count_twice(api: Platform, code: int) -> None:
    """Members who are added twice are members once, so they are sent again; events would count again."""
    wanted = OutcomeKind.RETRY if api.name == "meta" else OutcomeKind.UNKNOWN
    outcome = outcome_of(api, code)
    assert (outcome.kind, outcome.code) == (wanted, "transient")


@each_api
def test_a_served_newer_version_is_noted(api: Platform) -> None:
    """Meta's warning that the pinned version has ended is heard by every API."""
    (request,) = encoded(api.rehearsal(), batch(api, 2))
    good = {"num_received": 2, "num_invalid_entries": 0, "events_received": 2}
    outcome = api.rehearsal().classify(request, answer(good, 200, {"x-ad-api-version-warning": "upgraded"}))
    assert (outcome.kind, outcome.code) == (OutcomeKind.OK, "version_upgraded")


@each_api
@pytest.mark.parametrize(
    ("said", "tier", "wait_s"),
    [
        ("development_access", "limited", 300),
        ("limited_access", "limited", 300),
        ("standard_access", "full", 60),
        ("full_access", "full", 60),
        ("some_access", "", 60),
    ],
)
def test_the_tier_sets_the_wait(api: Platform, said: str, tier: str, wait_s: int) -> None:
    """The limited tier is blocked five times as long as the full one, by its old name and its new one."""
    outcome = outcome_of(api, 17, x_ad_account_usage={"acc_id_util_pct": 90, "ads_api_access_tier": said})
    assert (outcome.tier, outcome.after_s) == (tier, wait_s)


@each_api
def test_a_header_that_gives_no_time_shortens_no_wait(api: Platform) -> None:
    """A throttled call waits even when the header estimates no time."""
    header = {"1": [{"type": "custom_audience", "estimated_time_to_regain_access": 0}]}
    assert outcome_of(api, 80003, x_business_use_case_usage=header).after_s == 60


@each_api
@pytest.mark.parametrize(("tier", "score"), [("limited", 60), ("full", 9_000)])
def test_uploads_never_fill_the_score(api: Platform, tier: str, score: int) -> None:
    """Writes count 3 each; at the maximum Meta refuses calls, so room for reads is left within the window."""
    window = api.rate.tiers[tier].windows[0]
    assert window.per_s == 300
    assert score - 9 < 3 * window.requests <= score - 6


def test_one_bucket_of_several_says_limited() -> None:
    """Where headers differ, the slower tier holds: its pace is never refused."""
    tiers = {"1": [{"ads_api_access_tier": one} for one in ("standard_access", "development_access")]}
    assert (
        usage.from_headers({usage.BUSINESS: json.dumps(tiers)}, use_case="custom_audience", throttled=False).tier
        == "limited"
    )


def test_minutes() -> None:
    """The business header gives minutes."""
    header = {"1": [{"type": "custom_audience", "call_count": 100, "estimated_time_to_regain_access": 19}]}
    assert (
        usage.from_headers({usage.BUSINESS: json.dumps(header)}, use_case="custom_audience", throttled=True).wait_s
        == 19 * 60
    )


def test_seconds() -> None:
    """The ad account's header gives seconds, and only a throttled call waits for the reset."""
    header = {usage.AD_ACCOUNT: json.dumps({"acc_id_util_pct": 100, "reset_time_duration": 100})}
    assert usage.from_headers(header, use_case="custom_audience", throttled=True).wait_s == 100
    assert usage.from_headers(header, use_case="custom_audience", throttled=False).wait_s == 0
    assert usage.from_headers(header, use_case="custom_audience", throttled=False).pause_s == usage.PAUSE_FULL_S


@pytest.mark.parametrize(
    ("percent", "pause_s"), [(89, 0), (90, usage.PAUSE_NEARLY_FULL_S), (100, usage.PAUSE_FULL_S)]
)
def test_a_quota_that_fills_slows_down(percent: int, pause_s: float) -> None:
    """A full quota comes with good answers, too: it is a hint, and the pause is short."""
    header = {usage.APP: json.dumps({"call_count": 1, "total_time": percent})}
    assert usage.from_headers(header, use_case="custom_audience", throttled=False).pause_s == pause_s


@pytest.mark.parametrize(("use_case", "pause_s"), [("custom_audience", 0), ("ads_insights", 540)])
def test_only_the_use_case_s_own_quota_slows_it(use_case: str, pause_s: float) -> None:
    """A full quota of another kind of call is no reason to wait as long as ours go well."""
    header = {"1": [{"type": "ads_insights", "call_count": 100, "estimated_time_to_regain_access": 9}]}
    read = usage.from_headers({usage.BUSINESS: json.dumps(header)}, use_case=use_case, throttled=False)
    assert read.pause_s == pause_s


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '{"a": [1]}', '{"a": [{"call_count": "x"}]}'])
def test_headers_that_are_not_as_documented(text: str) -> None:
    """A header that cannot be read asks for nothing."""
    headers = {usage.BUSINESS: text, usage.AD_ACCOUNT: text, usage.APP: text}
    assert usage.from_headers(headers, use_case="custom_audience", throttled=True).wait_s == 0
