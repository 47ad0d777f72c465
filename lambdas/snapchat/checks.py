"""Check for `doctor` that the refresh token works and may read the ad account's segments."""

from __future__ import annotations

from collections.abc import Iterator

from activation.errors import ActivationError, Retryable
from activation.model import visible_name
from activation.platforms.outcome import failure
from activation.platforms.platform import Examination, Finding

from lambdas.snapchat.answers import Page, classify
from lambdas.snapchat.publisher import MAX_PAGES, SnapchatPublisher


def examine(one: Examination) -> Iterator[Finding]:
    """Check token, permission and, when named, an audience, by reading every page of the segments."""
    publisher, found, cursor, named = SnapchatPublisher(one.account), 0, "", []
    for _ in range(MAX_PAGES):
        request = publisher.page(cursor)
        try:
            outcome = classify(request, one.send(request))
            if not isinstance(outcome.value, Page):
                raise failure(outcome)
        except ActivationError as error:
            check = "snapchat" if isinstance(error, Retryable) else "token"  # which says nothing of the token
            yield Finding(check, False, f"{error.code}: {error.sentence}")
            return
        page = outcome.value
        found += len(page.segments)
        own = [listed for listed in page.segments if listed.own_list]
        named += [listed for listed in own if visible_name(listed.name) == one.audience]
        if not page.cursor or page.cursor == cursor:
            break
        cursor = page.cursor
    yield Finding("token", True, f"may read the ad account's {found} segments")
    if one.audience:
        states = ", ".join(listed.targetable or "unknown" for listed in named)
        says = (
            f"{len(named)} with this name; {states}" if named else "does not exist yet; the first drop creates it"
        )
        yield Finding("audience", len(named) <= 1, says)
