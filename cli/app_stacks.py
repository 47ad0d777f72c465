"""The stacks of one app in an account: those of its own region, and those of Amazon Marketing Stream in others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient

# In the order in which they can be deleted: the doctor's stack uses what the activation stack exports, and all
# others use what the storage stack exports.
PARTS = ("doctor", "activation", "ci360", "normalize", "sync", "storage")
# How a stack of the stream is named, with or without the app's name before it.
_STREAM = re.compile(r"(^|-)AmzStream(V2)?-(NA|EU|FE)-")


@dataclass(frozen=True)
class AppStack:
    """A deployed stack: `resources` are its resources' types by physical id.

    `streams` says that it is one of Amazon Marketing Stream.
    """

    name: str
    region: str
    resources: Mapping[str, str]
    streams: bool = False


@dataclass(frozen=True)
class Found:
    """The stacks of an app, in the order in which they can be deleted.

    `unseen` are the regions of the stream that could not be looked into, with AWS's code.
    """

    stacks: tuple[AppStack, ...]
    unseen: Mapping[str, str] = field(default_factory=dict)


def find_stacks(app: str, *, streams: bool = True) -> Found:
    """Return the stacks of an app in the session's account and region, without those of the stream if not asked.

    Stacks of the stream are in the regions that Amazon sends from.
    """
    import boto3
    from botocore.exceptions import ClientError

    from stacks.marketing_stream.catalogue import Realm

    client = boto3.client("cloudformation")
    region = client.meta.region_name
    own = [(name, kept) for part in PARTS if (kept := _resources(client, name := f"{app}-{part}"))]
    stacks = [AppStack(name, region, kept) for name, kept in own]
    if not streams:
        return Found(tuple(stacks))
    found: list[AppStack] = []
    unseen = {}
    for realm in Realm:
        there = boto3.client("cloudformation", region_name=realm.region)
        try:
            names = _of_realm(there, f"{app}-stream-{realm.lower()}")
            found += [AppStack(name, realm.region, _resources(there, name), streams=True) for name in names]
        except ClientError as error:
            unseen[realm.region] = error.response["Error"]["Code"]
    return Found((*found, *stacks), unseen)


def _of_realm(client: CloudFormationClient, shared: str) -> list[str]:
    """Return the names of a realm's stacks: those that use what its `shared` stack exports, then that one.

    Their names alone do not say whose they are: the stacks of Amazon's example app have the same. Nor does the use
    of an export: a company's own stack may use one as well, and is left alone.
    """
    from botocore.exceptions import ClientError

    try:
        described = client.describe_stacks(StackName=shared)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return []
        raise
    exports = [one["ExportName"] for one in described.get("Outputs", []) if "ExportName" in one]
    using = {name for export in exports for name in importers(client, export) if _STREAM.search(name)}
    return [*sorted(using), shared]


def importers(client: CloudFormationClient, export: str) -> list[str]:
    """Return the names of the stacks that import an export."""
    from botocore.exceptions import ClientError

    try:
        pages = client.get_paginator("list_imports").paginate(ExportName=export)
        return [name for page in pages for name in page["Imports"]]
    except ClientError as error:
        if "not imported" in str(error):  # AWS's answer where there is none
            return []
        raise


def _resources(client: CloudFormationClient, stack: str) -> dict[str, str]:
    """Return a stack's resources as physical id -> type, none if there is no such stack."""
    from botocore.exceptions import ClientError

    try:
        pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
        return {
            one["PhysicalResourceId"]: one["ResourceType"]
            for page in pages
            for one in page["StackResourceSummaries"]
            if one.get("PhysicalResourceId")
        }
    except ClientError as error:
        if "does not exist" in str(error):
            return {}
        raise
