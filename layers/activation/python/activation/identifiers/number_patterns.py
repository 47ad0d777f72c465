"""What the valid numbers of a country code look like, by the plans of libphonenumber."""

from __future__ import annotations

import re
from functools import cache

from activation.identifiers.abroad import plan_of, prefixes_of
from activation.identifiers.digit_patterns import (
    ANY,
    Both,
    Part,
    Times,
    lengths_of,
    maybe,
    one_of,
    parsed,
    then,
    widest,
)
from activation.identifiers.plans import plans

# libphonenumber's kinds of numbers, one of which a valid number is.
KINDS = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan",
    "voicemail",
)  # fmt: skip
# Country codes (Austria, Germany) with kinds of numbers beyond the plan's outline, which are not valid.
BEYOND_OUTLINE = (43, 49)


@cache
def valid_of(code: int) -> Part:
    """Return the pattern of the valid numbers of all countries with a country code, without the code."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    regions = COUNTRY_CODE_TO_REGION_CODE[code]
    plans_of_code = [PhoneMetadata.metadata_for_region_or_calling_code(code, region) for region in regions]

    def any_of(kinds: tuple[str, ...]) -> Part:
        found = [getattr(plan, kind, None) for plan in plans_of_code for kind in kinds]
        patterns = (one.national_number_pattern for one in found if one)
        return parsed("|".join(dict.fromkeys(one for one in patterns if one)))

    return Both(any_of(KINDS), any_of(("general_desc",))) if code in BEYOND_OUTLINE else any_of(KINDS)


def valid_lengths(code: int) -> int:
    """Return how long the valid numbers of a country code are without it, a bit for each length."""
    return lengths_of(valid_of(code))


def valid_and_maybe(code: int) -> tuple[Part, Part]:
    """Return the patterns of numbers with their country code: those that are valid, and those that may be.

    A number that may be valid has, behind its country code, a prefix that libphonenumber removes, or another one.
    """
    plan, own, first = plan_of(code), valid_of(code), parsed(str(code))
    if plan.national_prefix_transform_rule:
        # What other digits are put there for is not followed: the number may have any length that is left then.
        most = max(valid_lengths(code).bit_length() - 1 + _taken_off(code), 1)
        may_be = one_of(own, *(then(parsed(one), Times(ANY, 0, most)) for one in plans()[str(code)].prefixes))
    else:
        removed = maybe(parsed(plan.national_prefix_for_parsing or ""))
        may_be = then(maybe(*map(parsed, prefixes_of(code))), removed, own)
    return then(first, own), then(first, may_be)


def _taken_off(code: int) -> int:
    """Return how many digits are taken off at most where a plan puts others in the place of a prefix."""
    plan = plan_of(code)
    rule, pattern = plan.national_prefix_transform_rule or "", plan.national_prefix_for_parsing or ""
    kept = int(rule[rule.index("\\") + 1])
    begins = [at.start() for at in re.finditer(r"\((?!\?)", pattern)][kept - 1]
    depth = end = 0
    for end in range(begins, len(pattern)):
        depth += (pattern[end] == "(") - (pattern[end] == ")")
        if not depth:
            break
    without = f"{pattern[:begins]}{pattern[end + 1 :]}".replace("$", "")
    return widest(parsed(without)) + max(map(len, prefixes_of(code)), default=0)


def reach_abroad(code: int) -> int | None:
    """Return the most digits removed after a country code, None where the plan may replace digits."""
    plan = plan_of(code)
    if plan.national_prefix_transform_rule not in (None, "", r"\1", r"\2"):
        return None
    removed = widest(parsed((plan.national_prefix_for_parsing or "").replace("$", "")))
    return max(map(len, prefixes_of(code)), default=0) + 2 * removed
