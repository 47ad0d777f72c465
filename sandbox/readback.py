"""Which properties of the deployed templates the emulator does not read back: it accepted and dropped them.

Each resource is described by calls of its service, as any client would. A property counts as read back if the
answers hold every value that the template gives in it, under the value's own name. Of a value that is known only
when the template is deployed (`Ref`, `Fn::...`), the name alone is looked for.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.readers import READERS, Client, Resource


@dataclass(frozen=True, order=True)
class Dropped:
    """A property that a template sets and the emulator does not read back: the resource's type, and its name."""

    type: str
    property: str


# Names that a service reads back otherwise than CloudFormation writes them, in lower case, by type.
_ALIASES: dict[str, dict[str, str]] = {
    # Read back as one name, `*/*`.
    "AWS::ApiGateway::Stage": {"httpmethod": "methodsettings", "resourcepath": "methodsettings"},
    "AWS::DynamoDB::Table": {
        "enabled": "timetolivestatus",
        "pointintimerecoveryenabled": "pointintimerecoverystatus",
        "sseenabled": "ssedescription",
        "kmsmasterkeyid": "kmsmasterkeyarn",
    },
    "AWS::Events::Archive": {"sourcearn": "eventsourcearn"},
    "AWS::KMS::Key": {"enablekeyrotation": "keyrotationenabled"},
    "AWS::Lambda::EventSourceMapping": {"functionname": "functionarn"},
    "AWS::S3::Bucket": {
        "destinationbucketname": "targetbucket",
        "eventbridgeenabled": "eventbridgeconfiguration",
        "expirationindays": "days",
        "logfileprefix": "targetprefix",
        "serversideencryptionbydefault": "applyserversideencryptionbydefault",
    },
}
_YES, _NO = frozenset({"true", "enabled"}), frozenset({"false", "disabled"})
# What a template says to CloudFormation alone, and the resource that a resource belongs to.
_NOT_READ = frozenset({"Code", "Content", "RestApiId", "CatalogId", "PendingWindowInDays"})


def dropped(templates: Path, client: Client) -> list[Dropped]:
    """Compare the templates of a folder with what is deployed of them; types without a reader are left out."""
    found = set()
    for path in sorted(templates.glob("*.template.json")):
        resources = json.loads(path.read_text())["Resources"]
        answer = client("cloudformation").describe_stack_resources(
            StackName=path.name.removesuffix(".template.json")
        )
        ids = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in answer["StackResources"]}
        stack = {one["ResourceType"]: one["PhysicalResourceId"] for one in answer["StackResources"]}
        for logical_id, one in resources.items():
            kind = one["Type"]
            if kind in READERS and logical_id in ids:
                told = _read(kind, Resource(ids[logical_id], stack), client)
                for name, value in one.get("Properties", {}).items():
                    if name not in _NOT_READ and not _holds(told, name, value, _ALIASES.get(kind, {})):
                        found.add(Dropped(kind, name))
    return sorted(found)


def _read(kind: str, resource: Resource, client: Client) -> dict[str, set[str]]:
    """Return the texts that a resource's readers find, by the names they stand under."""
    told: dict[str, set[str]] = {}
    for reader in READERS[kind]:
        try:
            answers = reader(client, resource)
            found = list(_leaves("", answers if isinstance(answers, dict) else list(answers or ())))
        except (ClientError, BotoCoreError):
            continue  # nothing is configured, or the emulator lacks the call: what it would read is dropped
        for name, text in found:
            told.setdefault(name, set()).add(text)
    return told


def _holds(told: Mapping[str, set[str]], name: str, value: Any, aliases: Mapping[str, str]) -> bool:
    """Return whether a property's single values are among those told; "" stands for any text."""
    if name == "Tags":
        return all(_tagged(told, one["Key"], str(one["Value"])) for one in value)
    for leaf, text in _leaves(name, value):
        texts = told.get(leaf) or told.get(aliases.get(leaf, ""))
        if texts is None or (text and text not in texts and leaf not in aliases):
            return False
    return True


def _tagged(told: Mapping[str, set[str]], key: str, value: str) -> bool:
    # Some services return tags as a list, others as an object.
    return any(value.lower() in told.get(name, ()) for name in (key.lower(), "value", "tagvalue"))


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield each single value with the name it stands under, both in lower case; JSON in texts is read."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::")):
        yield name.lower(), ""
    elif isinstance(value, dict):
        yield name.lower(), ""
        for key, inner in value.items():
            yield from _leaves(key, inner)
    elif isinstance(value, list | tuple):
        yield name.lower(), ""
        for inner in value:
            yield from _leaves(name, inner)
    else:
        yield name.lower(), _text(value)


def _text(value: Any) -> str:
    text = str(value).lower()
    if text in _YES | _NO:
        return "true" if text in _YES else "false"
    try:
        return f"{float(text):g}"
    except ValueError:
        return text
