"""What is said of one audience, in the settings or in its `_audience.json`, as values."""

from __future__ import annotations

from dataclasses import dataclass

from activation.row_rule import NO_RULE, RowRule


@dataclass(frozen=True)
class LimitedDataUse:
    """How a platform may use the people's data: limited, by the law of a `country` and `state`.

    Both are the platform's numbers; 0 and 0 let the platform find out where each person is.
    """

    country: int = 0
    state: int = 0


@dataclass(frozen=True)
class GuardOptions:
    """What a mirror of the audience may do unasked; None where the connector's guard says it.

    `empty` is "stop" or "allow", for a drop without anybody. `leave` is the share of those in the audience who may
    leave, `shrink` that by which the audience may become smaller; both from 0 to 1.
    """

    empty: str | None = None
    leave: float | None = None
    shrink: float | None = None


@dataclass(frozen=True)
class AudienceOptions:
    """The options of one audience; a platform knows some of them, see Platform.audience_options.

    `audience_id` is the platform's id of the audience, "" to find or create it by its name. `description`,
    `retention_days` (0: the connector's or the platform's own), `customer_file_source` ("": the connector's),
    `value_based` and `opt_out_link` are what an audience is created with. `limited_data_use` is said with every
    row, None for no limit. `shared` says that others write to the audience, too. `guard` is None for that of the
    connector. `consent` says which rows may be sent to this audience; it holds beside the connector's own.
    """

    audience_id: str = ""
    description: str = ""
    retention_days: int = 0
    customer_file_source: str = ""
    value_based: bool = False
    opt_out_link: str = ""
    limited_data_use: LimitedDataUse | None = None
    shared: bool = False
    guard: GuardOptions | None = None
    consent: RowRule = NO_RULE


NO_OPTIONS = AudienceOptions()
