"""The form of each dataset's messages.

Field lists: the dataset pages below
https://advertising.amazon.com/API/docs/en-us/guides/amazon-marketing-stream/datasets/overview (read 2026-11-22).
Every value is invented.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

Record = dict[str, Any]

_WINDOWS = ("1d", "7d", "14d", "30d")
_KEYWORDS = ("running shoes", "laufschuhe", 'chaussures "été"', "鞋", "zapatillas ñ")

# Dataset: the dimensions beyond the common ones, and the numbers, money first.
MEASURED: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "sp-traffic": (
        ("currency", "keyword_id", "keyword_text", "match_type", "placement"),
        ("cost",),
        ("clicks", "impressions"),
    ),
    "sp-conversion": (
        ("currency", "keyword_id", "placement"),
        tuple(f"attributed_sales_{window}{sku}" for sku in ("", "_same_sku") for window in _WINDOWS),
        tuple(
            f"attributed_{metric}_{window}{sku}"
            for metric in ("conversions", "units_ordered")
            for sku in ("", "_same_sku")
            for window in _WINDOWS
        ),
    ),
    "sd-traffic": (
        ("currency", "target_id", "targeting_text"),
        ("cost",),
        ("clicks", "impressions", "view_impressions"),
    ),
    "sd-conversion": (
        ("currency", "target_id"),
        (*(f"attributed_sales_{window}" for window in _WINDOWS), "view_attributed_sales_14d"),
        (*(f"attributed_conversions_{window}" for window in _WINDOWS), "view_attributed_conversions_14d"),
    ),
    "sb-traffic": (
        ("currency", "keyword_id", "keyword_text", "keyword_type", "placement_type"),
        ("cost",),
        ("clicks", "impressions", "viewable_impressions"),
    ),
    "sb-conversion": (
        ("currency", "keyword_id", "keyword_text", "keyword_type", "placement_type"),
        ("attributed_sales_14d", "view_attributed_sales_14d", "attributed_sales_new_to_brand_14d"),
        ("attributed_conversions_14d", "attributed_units_ordered_14d"),
    ),
    "sb-clickstream": (
        ("keyword_id", "keyword_text", "keyword_type", "placement_type"),
        (),
        ("attributed_branded_searches_14d", "attributed_detail_page_views_14d"),
    ),
    "sb-rich-media": (
        ("keyword_id", "keyword_text", "keyword_type", "placement_type"),
        (),
        ("video_5_second_views", "video_complete_views", "video_unmutes"),
    ),
    "adsp-traffic": (
        ("device", "site", "creative_id", "deal_id"),
        ("total_cost", "supply_cost"),
        ("clicks", "impressions", "gross_impressions"),
    ),
}


def dimensions(dataset: str, number: int, hour: datetime) -> Record:
    """Return the dimensions of an advertiser's `number`th ad, keyword or the like, in an hour."""
    common: Record = {
        "dataset_id": dataset,
        "marketplace_id": "ATVPDKIKX0DER",
        "advertiser_id": f"ENTITY{number % 3:06}",
        "campaign_id": f"1{number % 5:09}",
        "ad_group_id": f"2{number % 7:09}",
        "ad_id": f"3{number:09}",
        "time_window_start": hour.isoformat(),
    }
    values: Record = {
        "currency": "USD",
        "keyword_id": f"4{number:09}",
        "keyword_text": _KEYWORDS[number % len(_KEYWORDS)],
        "match_type": ("BROAD", "EXACT", "TARGETING_EXPRESSION")[number % 3],
        "keyword_type": "exact",
        "placement": "Top of Search on-Amazon",
        "placement_type": "Top of Search on-Amazon",
        "target_id": f"5{number:09}",
        "targeting_text": "views(exact-product lookback=30)",
        "device": "Mobile",
        "site": "example.com",
        "creative_id": f"6{number:09}",
        "deal_id": None,
    }
    return common | {name: values[name] for name in MEASURED[dataset][0]}


def _campaign(draw: random.Random, moment: str) -> Record:
    return {
        "campaignId": f"1{draw.randrange(5):09}",
        "accountId": "7000000001",
        "adProduct": "SPONSORED_PRODUCTS",
        "name": "Autumn / exact",
        "state": draw.choice(("ENABLED", "PAUSED")),
        "tags": {"team": "growth"},
        "budget": {"budgetCap": {"monetaryBudget": {"amount": draw.randrange(1, 500), "currencyCode": "USD"}}},
        "bidSetting": {"bidStrategy": "AUTO_FOR_SALES"},
        "audit": {"lastUpdatedDateTime": moment},
    }


def _entity(id_field: str, **more: Any) -> Callable[[random.Random, str], Record]:
    def build(draw: random.Random, moment: str) -> Record:
        return {
            id_field: f"9{draw.randrange(5):09}",
            "campaignId": f"1{draw.randrange(5):09}",
            "adProduct": "SPONSORED_PRODUCTS",
            "state": draw.choice(("ENABLED", "PAUSED")),
            "audit": {"lastUpdatedDateTime": moment},
            **more,
        }

    return build


# Changes of entities; each message has a version.
CHANGED: dict[str, Callable[[random.Random, str], Record]] = {
    "campaigns": _campaign,
    "adgroups": _entity("adGroupId", bidValue={"defaultBid": {"value": 0.75, "currencyCode": "USD"}}),
    "ads": _entity("adId", asin="B0EXAMPLE1", landingPage={"url": None, "type": None}),
    "targets": _entity("targetId", bid=None, keywordTarget={"matchType": "BROAD", "keyword": "shoes"}),
    "adsp-campaigns": _entity("campaignId"),
    "adsp-adgroups": _entity("adgroupId"),
    "adsp-campaign-flights": _entity("flightId", budgetAmount=5000.0),
    "adsp-adgroup-targets": _entity("adgroupId", audienceTargets="PAYLOAD_TRUNCATED"),
}


def _budget_usage(draw: random.Random, moment: str) -> Record:
    return {
        "budget_scope_id": f"1{draw.randrange(5):09}",
        "budget_scope_type": draw.choice(("CAMPAIGN", "PORTFOLIO")),
        "advertising_product_type": "sp",
        "budget": 50.0,
        "budget_usage_percentage": float(draw.randrange(0, 105, 5)),
        "usage_updated_timestamp": moment,
    }


def _budget_recommendation(draw: random.Random, moment: str) -> Record:
    return {
        "recommendation_time": moment,
        "campaign_id": f"1{draw.randrange(5):09}",
        "suggested_budget": 82.5,
        "reason_for_suggestion": "OUT_OF_BUDGET",
        "percent_time_in_budget": 71.4,
    }


def _diagnosis(draw: random.Random, moment: str) -> Record:
    return {
        "recommendation_id": f"{draw.getrandbits(64):016x}",
        "published_date": moment[:10],
        "type": "CAMPAIGN_BUDGET",
        "campaign_id": f"1{draw.randrange(5):09}",
        "explanation": {
            "description": "Campaign was out of budget.",
            "missed_opportunities": {"time_period": "x"},
        },
    }


NOTICED: dict[str, Callable[[random.Random, str], Record]] = {
    "budget-usage": _budget_usage,
    "sp-budget-recommendations": _budget_recommendation,
    "sponsored-ads-campaign-diagnostics-recommendations": _diagnosis,
}

DATASETS = (*MEASURED, *CHANGED, *NOTICED)
