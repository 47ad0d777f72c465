"""Meta custom audiences: the platform object."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from activation.model import Action
from activation.platforms.account import AccountKey
from activation.platforms.audience_options import LimitedDataUseOption, description_option, id_option
from activation.platforms.authentication import StaticToken
from activation.platforms.limits import Limits
from activation.platforms.options import BooleanOption, ChoiceOption, IntegerOption, TextOption
from activation.platforms.platform import Loaded, Minimum, Platform
from activation.platforms.rate import Rate, Scope, Tier, Window
from activation.platforms.session import UploadSession
from activation.platforms.version import ApiVersion

# About 90 days after the next version, Meta ends one: it then treats the version's calls as calls to a newer one,
# with a header that says so (the receipt notes `version_upgraded`), or refuses them with code 2635.
ENDS: Mapping[str, date | None] = {  # None: "to be determined"
    "v25.0": date(2027, 2, 23),
    "v26.0": None,
    "v27.0": None,  # since 2026-11-04
}
API_VERSION = "v27.0"
VERSION = ApiVersion(
    API_VERSION,
    ENDS[API_VERSION],
    "https://developers.facebook.com/documentation/ads-commerce/marketing-api/marketing-api-changelog/versions",
    "2026-11-29",
)

# A read adds 1 and a write 3 to a score that is forgotten after 300 seconds; audience calls are also limited per
# hour. Since 2026 the tiers are called limited and full, before that development and standard. Of the limited
# tier's score, a part is left for looking an audience up, twice, and creating it.
RATE = "https://developers.facebook.com/documentation/ads-commerce/marketing-api/overview/rate-limiting"
RATE_READ = "2026-09-12"

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
    # No limit is published. 10,000 rows of every key are about 10 MB; half of that keeps a request well under its
    # timeout on a slow line, and four of them within the function's memory.
    max_bytes=5_000_000,
    # Four at a time are never the bottleneck: see the windows of the rate.
    in_flight=4,
    timeout_s=60.0,
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
    rate=Rate(
        Scope.ACCOUNT,
        {
            "limited": Tier((Window((60 - 6) // 3, 300.0), Window(5_000, 3600.0)), RATE, RATE_READ),
            "full": Tier((Window(9_000 // 3, 300.0), Window(190_000, 3600.0)), RATE, RATE_READ),
        },
    ),
    authentication=StaticToken(key="access_token", proof_key="app_secret"),
    account=AccountKey(
        key="ad_account_id",
        pattern=r"\d+",
        meaning="an ad account's id",
        prefix="act_",
        endpoint="https://graph.facebook.com",
    ),
    minimum=Minimum(
        100,
        "Meta wants 100 matched people of one country before it makes a lookalike of an audience, and it matches "
        "only a part of those it is sent (https://www.facebook.com/business/help/164749007013531)",
    ),
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
    version=VERSION,
)
