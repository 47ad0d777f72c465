"""The datasets of Amazon Marketing Stream: how to aggregate records, and which account sends them per region.

Sources, read 2026-11-22: the data guide and the SQS and Firehose onboarding pages below
https://advertising.amazon.com/API/docs/en-us/guides/amazon-marketing-stream/overview, and the example stacks
https://github.com/amzn/amazon-marketing-stream-examples (stream_infrastructure_config.yml).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Realm(StrEnum):
    """Amazon's advertising regions, named as in its API."""

    NA = "NA"
    EU = "EU"
    FE = "FE"

    @property
    def region(self) -> str:
        """Return the AWS region of the realm's topics, where its stacks must be."""
        return _REGIONS[self]


_REGIONS = {Realm.NA: "us-east-1", Realm.EU: "eu-west-1", Realm.FE: "us-west-2"}


class Counting(StrEnum):
    """How a dataset's records are aggregated.

    `DELTAS` are summed, each `idempotency_id` once. Of `VERSIONS`, the highest is the current state. `NOTICES` are
    single events, which may arrive twice.
    """

    DELTAS = "deltas"
    VERSIONS = "versions"
    NOTICES = "notices"


SPONSORED = "/streams/subscriptions"
DSP = "/dsp/streams/subscriptions"


@dataclass(frozen=True)
class Dataset:
    """A dataset: its identifier, how its records are aggregated, and the API path for subscriptions to it.

    `accounts` are Amazon's accounts, one per realm, that own the topics of this dataset. It is empty if Amazon
    publishes none; the user must then say where the dataset comes from.
    """

    id: str
    counting: Counting
    accounts: tuple[tuple[Realm, str], ...] = ()
    path: str = SPONSORED
    default: bool = True

    def source(self, realm: Realm) -> str:
        """Return the pattern of the topics that send it in `realm`, "" if it is not known."""
        account = dict(self.accounts).get(realm)
        return f"arn:aws:sns:{realm.region}:{account}:*" if account else ""


def _accounts(*numbers: str) -> tuple[tuple[Realm, str], ...]:
    return tuple(zip(Realm, numbers, strict=True))


def _dsp(id_: str, counting: Counting, *numbers: str) -> Dataset:
    return Dataset(id_, counting, _accounts(*numbers), path=DSP, default=False)


_D, _V, _N = Counting.DELTAS, Counting.VERSIONS, Counting.NOTICES

# Accounts in the order NA, EU, FE. They are text, since several begin with a zero.
DATASETS = (
    Dataset("sp-traffic", _D, _accounts("906013806264", "668473351658", "074266271188")),
    Dataset("sp-conversion", _D, _accounts("802324068763", "562877083794", "622939981599")),
    Dataset("budget-usage", _N, _accounts("055588217351", "675750596317", "100899330244")),
    Dataset("sd-traffic", _D, _accounts("370941301809", "947153514089", "310605068565")),
    Dataset("sd-conversion", _D, _accounts("877712924581", "664093967423", "818973306977")),
    Dataset("sb-traffic", _D, _accounts("709476672186", "623198756881", "485899199471")),
    Dataset("sb-conversion", _D, _accounts("154357381721", "195770945541", "112347756703")),
    Dataset("sb-clickstream", _D, _accounts("091028706140", "219513501272", "632322331982")),
    Dataset("sb-rich-media", _D, _accounts("010312603579", "662188760626", "618223300352")),
    Dataset("campaigns", _V, _accounts("570159413969", "834862128520", "527383333093")),
    Dataset("adgroups", _V, _accounts("118846437111", "130948361130", "668585072850")),
    Dataset("ads", _V, _accounts("305370293182", "648558082147", "802070757281")),
    Dataset("targets", _V, _accounts("644124924521", "503759481754", "248074939493")),
    Dataset(
        "sponsored-ads-campaign-diagnostics-recommendations",
        _N,
        _accounts("084590724871", "059061853903", "489995134625"),
    ),
    Dataset("sp-budget-recommendations", _N, _accounts("678715897637", "158915609581", "007292432803")),
    _dsp("adsp-traffic", _D, "192826442293", "738976022360", "115810253223"),
    _dsp("adsp-conversion", _D, "561176707666", "238549931437", "063613587323"),
    _dsp("adsp-clickstream", _D, "740036912861", "475804811800", "201394813667"),
    _dsp("adsp-rich-media", _D, "718926279583", "047120534722", "886046350753"),
    _dsp("adsp-campaigns", _V, "153247821255", "599052634802", "216875695489"),
    _dsp("adsp-campaign-flights", _V, "700228448367", "633559263003", "451213518288"),
    _dsp("adsp-adgroups", _V, "222778752755", "682324742468", "360850786875"),
    _dsp("adsp-adgroup-targets", _V, "419834811630", "764057072099", "178122609971"),
    # Successors of campaigns, adgroups, ads and targets; Amazon's public pages name no source account for them.
    Dataset("ads-campaign-management-campaigns", _V, default=False),
    Dataset("ads-campaign-management-adgroups", _V, default=False),
    Dataset("ads-campaign-management-ads", _V, default=False),
    Dataset("ads-campaign-management-targets", _V, default=False),
)
BY_ID = {dataset.id: dataset for dataset in DATASETS}

# Amazon's own roles: one checks a queue before a subscription is made, one subscribes a delivery stream.
REVIEWER_ROLE = "arn:aws:iam::926844853897:role/ReviewerRole"
SUBSCRIBER_ROLE = "arn:aws:iam::926844853897:role/SubscriberRole"
PUBLISHER_ROLE = "arn:aws:iam::926844853897:role/PublisherRole"  # of Stream v2

V1_ENDS = "2027-06-30"
