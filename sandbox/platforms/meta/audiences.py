"""Custom audiences: their members, their state, and the fields a read may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.platforms.meta.errors import unknown_field
from sandbox.platforms.meta.members import Members
from sandbox.platforms.meta.sessions import Replace, Session
from sandbox.platforms.meta.settings import MetaSettings

# https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience
# (read 2026-11-22).
OPERATION_TEXT = {
    0: "Status not available",
    100: "This audience will expire, as it has not been used for over two years",
    200: "Normal",
    400: "Warning",
    410: "No file has been uploaded yet",
    411: "Low match rate",
    412: "Many of the last upload's entries were invalid",
    414: "The audience is being replaced",
    415: "The last replace failed",
    441: "We are finding people who match your audience; it can be used already",
    450: "Out of date",
    470: "The account that made this audience is inactive",
    471: "This audience is flagged and cannot be used",
    500: "Error",
}
NORMAL, REPLACING, FILLING, INACTIVE_ACCOUNT, FLAGGED = 200, 414, 441, 470, 471
SMALLEST_SHOWN = 1000  # smaller sizes are not shown
SMALLEST_USABLE = 100


@dataclass
class Audience:
    """One audience of an ad account.

    `people` are the names of those who are in it, if the settings resolve cells to people. `forced_status` is an
    operation status set by a test; `forced_size` a size for limits that need a hundred million people.
    `delete_time` and `violating` are what Meta says of one that it deletes or has flagged.
    `early_calls` counts down the uploads that reach a server which does not know the audience yet.
    """

    id: str
    account_id: str
    name: str
    created: int
    subtype: str = "CUSTOM"
    description: str = ""
    customer_file_source: str | None = None
    retention_days: int = 0
    is_value_based: bool = False
    opt_out_link: str | None = None
    updated: int = 0
    members: Members = field(default_factory=Members)
    people: set[str] = field(default_factory=set)
    schema_style: str | None = None
    sessions: dict[int, Session] = field(default_factory=dict)
    replace: Replace | None = None
    early_calls: int = 0
    deleted: bool = False
    forced_status: int | None = None
    forced_size: int | None = None
    forced_delivery: int | None = None
    delete_time: int | None = None
    violating: list[str] = field(default_factory=list)
    filling_until: float = 0.0
    replacing_until: float = 0.0

    def created_with(self) -> dict[str, Any]:
        """Return what the audience was created with, besides its name."""
        return {
            "description": self.description,
            "customer_file_source": self.customer_file_source,
            "retention_days": self.retention_days,
            "is_value_based": self.is_value_based,
            "opt_out_link": self.opt_out_link,
        }

    def settle(self, now: float) -> None:
        """End a replace that ran out of time: the audience then holds what had arrived."""
        if self.replace is not None and self.replace.session.expired(now):
            self.members, self.people = self.replace.staged, self.replace.people
            self.replace.session.ended = self.replace.session.expires
            self.replacing_until = self.replace.session.expires + self.replace.replacing_s
            self.replace = None

    def size(self) -> int:
        """Return the number of members, or the size set by a test."""
        return len(self.members) if self.forced_size is None else self.forced_size

    def operation_code(self, now: float) -> int:
        """Return the operation status."""
        self.settle(now)
        if self.forced_status is not None:
            return self.forced_status
        if self.replace is not None or now < self.replacing_until:
            return REPLACING
        return FILLING if now < self.filling_until else NORMAL


@dataclass(frozen=True)
class View:
    """The inputs from which the fields of an audience are computed."""

    audience: Audience
    now: float
    settings: MetaSettings
    account_active: bool

    def operation_status(self) -> dict[str, Any]:
        """Return the operation status with its text."""
        code = self.audience.operation_code(self.now)
        if not self.account_active and code == NORMAL:
            code = INACTIVE_ACCOUNT
        return {"code": code, "description": OPERATION_TEXT.get(code, "Status not available")}

    def delivery_status(self) -> dict[str, Any]:
        """Return the delivery status: usable, too small, or the one set by a test."""
        if self.audience.forced_delivery is not None:
            return {"code": self.audience.forced_delivery, "description": "Set by a test"}
        if self.matched() < SMALLEST_USABLE:
            return {"code": 300, "description": "This audience is too small to deliver ads to"}
        return {"code": 200, "description": "This audience is ready for use"}

    def matched(self) -> int:
        """Return how many people the members were matched to."""
        return int(self.audience.size() * self.settings.match_rate)

    def approximate(self, *, upper: bool) -> int:
        """Return a bound of the size: rounded to two digits, and nothing below a thousand."""
        size = self.matched()
        if size < SMALLEST_SHOWN:
            return SMALLEST_SHOWN
        step = 10 ** (len(str(size)) - 2)
        return int((size // step + (1 if upper else 0)) * step)


FIELDS: dict[str, Callable[[View], Any]] = {
    "id": lambda view: view.audience.id,
    "account_id": lambda view: view.audience.account_id,
    "name": lambda view: view.audience.name,
    "subtype": lambda view: view.audience.subtype,
    "description": lambda view: view.audience.description,
    "customer_file_source": lambda view: view.audience.customer_file_source,
    "retention_days": lambda view: view.audience.retention_days,
    "is_value_based": lambda view: view.audience.is_value_based,
    "opt_out_link": lambda view: view.audience.opt_out_link,
    "time_created": lambda view: view.audience.created,
    "time_updated": lambda view: view.audience.updated,
    "time_content_updated": lambda view: view.audience.updated,
    "operation_status": View.operation_status,
    "delivery_status": View.delivery_status,
    "approximate_count_lower_bound": lambda view: view.approximate(upper=False),
    "approximate_count_upper_bound": lambda view: view.approximate(upper=True),
    "delete_time": lambda view: view.audience.delete_time,
    "fields_violating_integrity_policy": lambda view: view.audience.violating or None,
    "permission_for_actions": lambda _: {"can_edit": True, "can_see_insight": True, "can_share": True},
    "data_source": lambda view: {
        "type": "FILE_IMPORTED",
        "sub_type": view.audience.schema_style or "ANYTHING",
        "creation_params": "[]",
    },
}


# Fields that exist and have no value for an audience that was made of a customer file and is not shared.
# https://developers.facebook.com/docs/marketing-api/reference/custom-audience (read 2026-11-30), and the fields of
# facebook-business 26.0.3.
# fmt: off
WITHOUT_VALUE = frozenset(
    (
        "audience_labels", "data_source_types", "datafile_custom_audience_uploading_status",
        "excluded_custom_audiences", "external_event_source",
        "household_audience", "included_custom_audiences", "is_eligible_for_sac_campaigns", "is_household",
        "is_snapshot", "lookalike_audience_ids", "lookalike_spec", "messenger_marketing_messages_page",
        "owner_business", "page_deletion_marked_delete_time", "pixel_id", "regulated_audience_spec",
        "rev_share_policy_id", "rule", "rule_aggregation", "rule_v2", "seed_audience", "sharing_status",
    )
)
# fmt: on


def shown(view: View, names: Iterable[str]) -> dict[str, Any]:
    """Return the requested fields and the id; a field without a value is left out, as in Graph."""
    found: dict[str, Any] = {}
    for name in names:
        if name in WITHOUT_VALUE:
            continue
        if name not in FIELDS:
            raise unknown_field(name, "CustomAudience")
        if (value := FIELDS[name](view)) not in (None, ""):
            found[name] = value
    return {**found, "id": view.audience.id}
