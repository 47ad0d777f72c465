"""The fields of each dataset: what its records describe and what they count.

Field lists: the dataset pages below
https://advertising.amazon.com/API/docs/en-us/guides/amazon-marketing-stream/datasets/overview (read 2026-11-22).
A field not listed here is still in the landed record, unchanged: a query reads it with json_extract_scalar.
"""

from __future__ import annotations

from stacks.marketing_stream.catalogue import BY_ID, Counting
from stacks.marketing_stream.change_fields import CHANGES
from stacks.marketing_stream.record_fields import ADVERTISER, HOUR, Fields

_SB = ("keyword_id", "keyword_text", "keyword_type", "placement_type")
_WINDOWS = ("1d", "7d", "14d", "30d")


def _sponsored(*more: str, currency: bool = True) -> tuple[str, ...]:
    ads = ("campaign_id", "ad_group_id", "ad_id")
    return (*ADVERTISER, *(("currency",) if currency else ()), *ads, *more, HOUR)


def _attributed(*metrics: str) -> tuple[str, ...]:
    return tuple(
        f"attributed_{metric}_{window}{sku}"
        for metric in metrics
        for sku in ("", "_same_sku")
        for window in _WINDOWS
    )


_VIEWED = tuple(f"view_attributed_{metric}_14d" for metric in ("conversions", "sales", "units_ordered"))
_NEW_TO_BRAND = tuple(
    f"{view}attributed_{metric}_new_to_brand_14d"
    for view in ("", "view_")
    for metric in ("orders", "sales", "units_ordered")
)
_DSP_ABOUT = (
    *ADVERTISER,
    "dsp_entity_id",
    "campaign_id",
    "flight_id",
    "adgroup_id",
    "creative_id",
    "creative_name",
    "creative_type",
    "creative_size",
    "creative_language",
    "advertiser_name",
    "advertiser_country",
    "advertiser_timezone",
    "country",
    "region",
    "device",
    "site",
    "placement_name",
    "supply_source_name",
    "deal",
    "deal_id",
    "deal_type",
    "proposal_id",
    HOUR,
)


FIELDS = {
    "sp-traffic": Fields(
        _sponsored("keyword_id", "keyword_text", "match_type", "placement"), ("clicks", "impressions", "cost")
    ),
    "sp-conversion": Fields(
        _sponsored("keyword_id", "placement"), _attributed("conversions", "sales", "units_ordered")
    ),
    "sd-traffic": Fields(
        _sponsored("target_id", "targeting_text"), ("clicks", "impressions", "view_impressions", "cost")
    ),
    "sd-conversion": Fields(
        _sponsored("target_id"),
        (
            *_attributed("conversions", "sales"),
            *(f"attributed_units_ordered_{window}" for window in _WINDOWS),
            *_VIEWED,
            *_NEW_TO_BRAND,
        ),
    ),
    "sb-traffic": Fields(_sponsored(*_SB), ("clicks", "cost", "impressions", "viewable_impressions")),
    "sb-conversion": Fields(
        _sponsored(*_SB),
        (
            *(f"attributed_{metric}_14d" for metric in ("conversions", "sales", "units_ordered")),
            *(f"attributed_{metric}_14d_same_sku" for metric in ("conversions", "sales")),
            *_VIEWED,
            *_NEW_TO_BRAND,
        ),
    ),
    "sb-clickstream": Fields(
        _sponsored(*_SB, currency=False),
        tuple(
            f"{view}attributed_{metric}_14d"
            for view in ("", "view_")
            for metric in ("branded_searches", "detail_page_views")
        ),
    ),
    "sb-rich-media": Fields(
        _sponsored(*_SB, currency=False),
        (
            *(
                f"video_{at}_views"
                for at in ("5_second", "first_quartile", "midpoint", "third_quartile", "complete")
            ),
            "video_unmutes",
        ),
    ),
    "budget-usage": Fields(
        about=(
            *ADVERTISER,
            "advertising_product_type",
            "budget_scope_id",
            "budget_scope_type",
            "usage_updated_timestamp",
        ),
        counted=("budget", "budget_usage_percentage"),
        key=(
            *ADVERTISER,
            "advertising_product_type",
            "budget_scope_id",
            "budget_scope_type",
            "budget_usage_percentage",
            "usage_updated_timestamp",
        ),
    ),
    "sp-budget-recommendations": Fields(
        about=(
            *ADVERTISER,
            "campaign_id",
            "reason_for_suggestion",
            "recommendation_time",
            "start_date",
            "end_date",
        ),
        counted=(
            "suggested_budget",
            "percent_time_in_budget",
            *(
                f"estimated_missed_{metric}_{bound}"
                for metric in ("sales", "clicks", "impressions")
                for bound in ("lower", "upper")
            ),
        ),
        key=(*ADVERTISER, "campaign_id", "recommendation_time"),
    ),
    "sponsored-ads-campaign-diagnostics-recommendations": Fields(
        about=(
            *ADVERTISER,
            "recommendation_id",
            "group_id",
            "type",
            "campaign_id",
            "campaign_name",
            "ad_product",
            "published_date",
            "expiry_date",
            "apply_endpoint",
        ),
        nested=("explanation", "current_campaign_settings", "recommended_campaign_settings"),
        key=(*ADVERTISER, "recommendation_id", "published_date"),
    ),
    "adsp-traffic": Fields(
        _DSP_ABOUT,
        (
            "clicks",
            "impressions",
            "gross_impressions",
            "invalid_impressions",
            "measurable_impressions",
            "viewable_impressions",
            "total_cost",
            "supply_cost",
            "agency_fee",
            "amazon_dsp_audience_fee",
            "amazon_dsp_console_fee",
        ),
    ),
    **CHANGES,
}

_UNLISTED = {
    Counting.DELTAS: Fields((*ADVERTISER, HOUR)),
    Counting.VERSIONS: Fields(ADVERTISER, ("version",)),
    Counting.NOTICES: Fields(ADVERTISER),
}


def dataset_fields(dataset_id: str, counting: Counting) -> Fields:
    """Return a dataset's fields; for a dataset whose field list is not known here, those common to all."""
    return FIELDS.get(dataset_id) or _UNLISTED[BY_ID[dataset_id].counting if dataset_id in BY_ID else counting]
