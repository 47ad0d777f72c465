"""Find an advertiser's audience by name, and tell whether it can be changed."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import UTC, datetime

from activation.errors import ConfigError, Rejected, Retryable
from activation.model import visible_name
from activation.platforms.outcome import Outcome, failure
from activation.platforms.request import Request

from lambdas.tiktok.answers import Listed, Page
from lambdas.tiktok.calls import Calls
from lambdas.tiktok.payload import ALIASES

MAX_PAGES = 100  # 400 own audiences, and those shared with the advertiser: more pages mean a loop
# Processing usually takes minutes and at most 48 hours: poll soon, then less and less often.
FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 900.0
YEAR_S = 365 * 86_400.0


def find_audience(
    calls: Calls, name: str, accepted: Sequence[str], audience_id: str = ""
) -> Generator[Request, Outcome, Listed | None]:
    """Read every page, and return the advertiser's own customer-file audience with the name, or with the id.

    `audience_id` is "" where the name says which is meant. Raises ConfigError if two have the name or none has the
    id, Rejected if the audience's type is none of `accepted`, of which the first is the drop's own.
    """
    found: dict[str, Listed] = {}
    for number in range(1, MAX_PAGES + 1):
        outcome = yield calls.page(number)
        page = outcome.value
        if not isinstance(page, Page):
            raise failure(outcome)
        own = [one for one in page.audiences if one.own_customer_file and _is_meant(one, name, audience_id)]
        found |= {one.audience_id: one for one in own}
        if number >= page.pages:
            break
    # An audience of that very name wins over those that merely look the same.
    found = {key: one for key, one in found.items() if one.name == name} or found
    if len(found) > 1:
        raise ConfigError(
            "ambiguous_audience",
            f"audiences {', '.join(sorted(found))} of the advertiser have the same name;"
            " rename or delete all but one, then redrive",
        )
    one = next(iter(found.values()), None)
    if one is None and audience_id:
        raise ConfigError(
            "audience_differs",
            "the advertiser has no customer-file audience of its own with the id that the audience's options name",
        )
    if one is not None and ALIASES.get(one.calculate_type, one.calculate_type) not in ("", *accepted):
        raise Rejected(
            "type_mismatch",
            f"the audience was made of {one.calculate_type} files and does not accept {accepted[0]} files;"
            " send files of its type, or use an audience of another name",
        )
    return one


def _is_meant(one: Listed, name: str, audience_id: str) -> bool:
    return one.audience_id == audience_id if audience_id else visible_name(one.name) == name


def why_not_ready(one: Listed, now_s: float) -> Rejected | Retryable:
    """Return why an audience accepts no change: it ended, or TikTok is working on it; `now_s` is Unix seconds."""
    if 0 < _time_s(one.expires) < now_s:
        return Rejected(
            "audience_expired",
            "the audience has ended and can only be deleted; delete it, or use another name",
        )
    # The wait is the time since the last change, so it grows from poll to poll. An audience ends a year after its
    # last change unless it was given an end.
    changed_s = max(_time_s(one.created), _time_s(one.expires) - YEAR_S)
    return Retryable(
        "busy",
        "TikTok is still working on the audience, or it matched fewer than 1,000 people, which TikTok does"
        " not let be changed",
        after_s=min(max(now_s - changed_s, FIRST_WAIT_S), LONGEST_WAIT_S),
    )


def _time_s(text: str) -> float:
    """Read a time as TikTok writes it, in GMT; 0 when it cannot be read."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0
