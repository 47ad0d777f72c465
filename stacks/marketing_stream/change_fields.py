"""The fields of the datasets of changes, whose newest record of an entity is its state; see fields.py."""

from __future__ import annotations

from stacks.marketing_stream.record_fields import ADVERTISER, Fields


def _change(id_field: str, about: tuple[str, ...], nested: tuple[str, ...], *counted: str) -> Fields:
    """Return the fields of a dataset of changes: the highest version of each entity is its state."""
    return Fields(
        about=(*ADVERTISER, id_field, *about),
        counted=("version", *counted),
        nested=nested,
        key=(*ADVERTISER, id_field),
        newest="version",
    )


def _managed(id_field: str, about: tuple[str, ...], nested: tuple[str, ...]) -> Fields:
    """Return the fields of a dataset of changes that are ordered by time, not by number."""
    return Fields(
        about=(*ADVERTISER, id_field, "ad_product", "state", *about, "last_updated_date_time"),
        nested=nested,
        key=(*ADVERTISER, id_field),
        newest="last_updated_date_time",
    )


CHANGES = {
    "campaigns": _change(
        "campaignId",
        (
            "accountId",
            "portfolioId",
            "adProduct",
            "productLocation",
            "name",
            "state",
            "targetingSettings",
            "startDateTime",
            "endDateTime",
        ),
        ("tags", "budget", "bidSetting", "audit"),
    ),
    "adgroups": _change(
        "adGroupId", ("accountId", "campaignId", "adProduct", "name", "state"), ("bidValue", "audit")
    ),
    "ads": _change(
        "adId",
        ("accountId", "adGroupId", "campaignId", "adProduct", "name", "state", "asin", "sku", "customText"),
        ("landingPage", "audit"),
    ),
    "targets": _change(
        "targetId",
        ("accountId", "adGroupId", "campaignId", "adProduct", "targetType", "negative", "state", "currencyCode"),
        ("keywordTarget", "audit"),
        "bid",
    ),
    "adsp-campaign-flights": _change(
        "flightId",
        ("dspEntityId", "campaignId", "startDateTime", "endDateTime", "creationDateTime", "lastUpdatedDateTime"),
        (),
        "budgetAmount",
    ),
    "adsp-adgroup-targets": _change(
        "adgroupId",
        ("dspEntityId", "campaignId", "creationDateTime", "lastUpdatedDateTime"),
        ("audienceTargets",),
    ),
    "ads-campaign-management-ads": _managed(
        "ad_id", ("campaign_id", "ad_group_id", "ad_type", "marketplace_scope"), ("marketplaces", "status")
    ),
    "ads-campaign-management-targets": _managed(
        "target_id", ("campaign_id", "ad_group_id"), ("bid", "target_details")
    ),
}
