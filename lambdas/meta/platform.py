"""Meta custom audiences: the platform object."""

from __future__ import annotations

from activation.model import Action
from activation.platforms.account import AccountKey
from activation.platforms.audience_options import LimitedDataUseOption, description_option, id_option
from activation.platforms.limits import Limits
from activation.platforms.options import BooleanOption, ChoiceOption, IntegerOption, TextOption
from activation.platforms.platform import Loaded, Minimum, Platform
from activation.platforms.session import UploadSession

from lambdas.meta_graph import api

SOURCES = ("USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED")
# What an audience is created with: .../marketing-api/reference/ad-account/customaudiences; limited data use, with
# its numbers for California: .../marketing-api/overview/data-processing-options (both read 2026-09-12)
AUDIENCE_OPTIONS = (
    id_option("[0-9]{1,20}", "the audience's id, digits in quotation marks"),
    description_option(),
    IntegerOption("retention_days", 1, 180, 0, "A member leaves after so many days; without it, never."),
    ChoiceOption(
        "customer_file_source", SOURCES, "", "Where the people's data comes from, if not as the connector says."
    ),
    BooleanOption("value_based", False, "The audience holds what each person is worth: every row needs a value."),
    TextOption(
        "opt_out_link",
        r"https://[^\s\x00-\x20\x7f\"<>]{1,2000}",
        "an address that begins with https://",
        "",
        "Where people can ask to be left out of the audience.",
    ),
    LimitedDataUseOption(
        ((0, 0), (1, 1000)),
        "Meta uses the people's data in a limited way: true where they live in California, by Meta's own finding;"
        ' {"country": 1, "state": 1000} for all.',
    ),
)

LIMITS = Limits(
    # "10,000 records per request": .../marketing-api/audiences/guides/custom-audiences (read 2026-09-12)
    max_rows=10_000,
    max_bytes=api.MAX_BYTES,
    # A body's address, schema and brackets; two quotes, a comma, and of a row of one cell its brackets and comma.
    head_bytes=2_000,
    cell_bytes=5,
    in_flight=api.IN_FLIGHT,
    most_in_flight=api.MOST_IN_FLIGHT,
    timeout_s=api.TIMEOUT_S,
    actions=frozenset({Action.ADD, Action.REMOVE, Action.REPLACE, Action.MIRROR}),
    # A replace is one session of 90 minutes, for audiences of fewer than 100 million people:
    # .../marketing-api/audiences/guides/custom-audiences (read 2026-09-12)
    session=UploadSession(frozenset({Action.REPLACE}), window_s=90 * 60, max_rows=100_000_000),
)


def _load() -> Loaded:
    from lambdas.meta.checks import examine
    from lambdas.meta.fields import TABLE
    from lambdas.meta.publisher import MetaPublisher

    return Loaded(TABLE, MetaPublisher, examine)


PLATFORM = Platform(
    name="meta",
    title="Meta custom audiences",
    limits=LIMITS,
    # What custom audiences allow in an hour beside the score; active audiences add to it.
    rate=api.rate(hourly={"limited": 5_000, "full": 190_000}),
    authentication=api.AUTHENTICATION,
    renewals=api.RENEWALS,
    account=AccountKey(
        key="ad_account_id",
        pattern=r"\d+",
        meaning="an ad account's id",
        prefix="act_",
        endpoint=api.ENDPOINT,
    ),
    minimum=Minimum(
        100,
        "Meta wants 100 matched people of one country before it makes a lookalike of an audience, and it matches "
        "only a part of those it is sent (https://www.facebook.com/business/help/164749007013531)",
        refuses_removals=True,  # code 200, subcode 1870047: see meanings.py
    ),
    notes_sizes=True,  # see audience_states.py
    calls={
        "find": "GET *customaudiences",
        "create": "POST *customaudiences",
        "users": "* */users",
        "replace": "POST */usersreplace",
        "arrived": "GET */sessions",
        "status": "GET */[0-9]*",
    },
    own_options=(
        ChoiceOption(
            "customer_file_source",
            SOURCES,
            "USER_PROVIDED_ONLY",
            "Where the people's data comes from; Meta asks when an audience is created.",
        ),
    ),
    own_audience_options=AUDIENCE_OPTIONS,
    value_key="LOOKALIKE_VALUE",
    load=_load,
    version=api.MARKETING_API,
    family="meta_graph",
)
