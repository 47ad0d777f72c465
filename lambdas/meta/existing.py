"""An audience that exists already: the one with an id, and whether it is as its options say."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from activation.audience_options import AudienceOptions
from activation.errors import ConfigError
from activation.platforms.outcome import Outcome, failure
from activation.platforms.publisher import Opened
from activation.platforms.request import Request

from lambdas.meta.calls import Calls
from lambdas.meta.reads import Described


def by_id(calls: Calls, options: AudienceOptions) -> Generator[Request, Outcome, tuple[Opened, int]]:
    """Return the audience with the id, and its operation status.

    Raises ConfigError if it is no customer-file audience of the account.
    """
    found = yield from _describe(calls, options.audience_id)
    if found.subtype != "CUSTOM" or found.account_id not in ("", calls.account.account_id):
        raise ConfigError(
            "audience_differs",
            "the audience with the id that its options name is not a customer-file audience of this ad account",
        )
    return _compared(Opened(found.audience_id), found, options), found.status


def compare(calls: Calls, opened: Opened, options: AudienceOptions) -> Generator[Request, Outcome, Opened]:
    """Return an audience that was found by its name, with a note on what it was created with otherwise.

    Raises ConfigError if people would need values and the audience has none: that cannot be changed.
    """
    if opened.created or not _wanted(options):
        return opened
    return _compared(opened, (yield from _describe(calls, opened.audience_id)), options)


def _describe(calls: Calls, audience_id: str) -> Generator[Request, Outcome, Described]:
    outcome = yield calls.describe(audience_id)
    if not isinstance(outcome.value, Described):
        raise failure(outcome)
    return outcome.value


def _compared(opened: Opened, found: Described, options: AudienceOptions) -> Opened:
    if options.value_based and found.created_with.get("is_value_based") is not True:
        raise ConfigError(
            "audience_differs",
            "the audience exists and is not value-based, which cannot be changed: use an audience of another name,"
            " or take value_based out of its options",
        )
    other = [name for name, value in _wanted(options).items() if found.created_with.get(name) != value]
    if not other:
        return opened
    note = (
        f"the audience exists, and its {', '.join(other)} at Meta is not what its options say: it stays as it is"
    )
    return replace(opened, notes={**opened.notes, "options_differ": note})


def _wanted(options: AudienceOptions) -> dict[str, object]:
    """Return what an audience with these options is created with, by Meta's names, as far as they say."""
    wanted = {
        "description": options.description,
        "retention_days": options.retention_days,
        "customer_file_source": options.customer_file_source,
        "is_value_based": options.value_based,
        "opt_out_link": options.opt_out_link,
    }
    return {name: value for name, value in wanted.items() if value}
