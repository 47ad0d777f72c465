"""The parts of Amazon's OpenAPI description of the subscription API that the project needs, in our own words.

Version 3.0 at https://advertising.amazon.com/API/docs/en-us/amazon-marketing-stream/openapi, read 2026-11-22. Two
content types are accepted: the one that page names, and plain JSON, which the API accepts as well.
"""

from __future__ import annotations

from typing import Any

from openapi_core import OpenAPI

Schema = dict[str, Any]
CONTENT_TYPE = "application/vnd.amazonmarketingstreamsubscriptions.v1+json"
STATUSES = (
    "PROVISIONING",
    "PENDING_CONFIRMATION",
    "ACTIVE",
    "ARCHIVED",
    "FAILED_CONFIRMATION",
    "FAILED_PROVISIONING",
    "SUSPENDED",
)
_ERRORS = ("400", "401", "403", "404", "409", "429", "500")


def _text(longest: int = 0, shortest: int = 0) -> Schema:
    limits = {"maxLength": longest} if longest else {}
    return {"type": "string", **limits, **({"minLength": shortest} if shortest else {})}


def _object(required: tuple[str, ...], **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


_ARN = _text(255)
_FIREHOSE = ("deliveryStreamArn", "subscriptionRoleArn", "subscriberRoleArn")
DESTINATION = _object(
    (),
    sqsDestination=_object(("queueArn",), queueArn=_ARN),
    firehoseDestination=_object(_FIREHOSE, **dict.fromkeys(_FIREHOSE, _ARN)),
)
CREATE = _object(
    ("clientRequestToken", "dataSetId"),
    clientRequestToken=_text(36, 22),
    dataSetId=_text(),
    destination=DESTINATION,
    destinationArn=_text(2048, 20),
    notes=_text(128),
)
CREATED = _object(
    ("clientRequestToken", "subscriptionId"), clientRequestToken=_text(36, 22), subscriptionId=_text(255)
)
UPDATE = _object((), status={"type": "string", "enum": ["ARCHIVED"]}, notes=_text(128))
SUBSCRIPTION = _object(
    ("createdDate", "dataSetId", "status", "subscriptionId", "updatedDate"),
    createdDate={"type": "string", "format": "date-time"},
    updatedDate={"type": "string", "format": "date-time"},
    dataSetId=_text(),
    destination=DESTINATION,
    destinationArn=_text(2048, 20),
    notes=_text(128),
    status={"type": "string", "enum": list(STATUSES)},
    subscriptionId=_text(255),
)
LISTED = _object(
    ("subscriptions",),
    subscriptions={"type": "array", "items": SUBSCRIPTION, "maxItems": 5000},
    nextToken=_text(),
)
ERROR = _object(("message",), code=_text(), message=_text())


def _header(name: str, *, required: bool) -> Schema:
    return {"name": name, "in": "header", "required": required, "schema": _text()}


def _content(schema: Schema) -> Schema:
    return {"content": {kind: {"schema": schema} for kind in (CONTENT_TYPE, "application/json")}}


def _call(name: str, headers: list[Schema], answer: Schema | None, **more: Any) -> Schema:
    responses: Schema = {code: {"description": code, **_content(ERROR)} for code in _ERRORS}
    responses["200"] = {"description": name, **(_content(answer) if answer else {})}
    return {
        "operationId": name,
        "responses": responses,
        **more,
        "parameters": headers + more.get("parameters", []),
    }


def _paths(prefix: str, headers: list[Schema]) -> Schema:
    one = {"name": "subscriptionId", "in": "path", "required": True, "schema": _text(255)}
    paging = [
        {"name": "maxResults", "in": "query", "schema": {"type": "number", "minimum": 1, "maximum": 5000}},
        {"name": "startingToken", "in": "query", "schema": _text()},
    ]
    half = "OfDsp" if prefix else ""
    create = {"requestBody": {"required": True, **_content(CREATE)}}
    return {
        f"{prefix}/streams/subscriptions": {
            "get": _call(f"list{half}", headers, LISTED, parameters=paging),
            "post": _call(f"create{half}", headers, CREATED, **create),
        },
        f"{prefix}/streams/subscriptions/{{subscriptionId}}": {
            "get": _call(
                f"get{half}", headers, _object(("subscription",), subscription=SUBSCRIPTION), parameters=[one]
            ),
            "put": _call(f"update{half}", headers, None, parameters=[one], requestBody=_content(UPDATE)),
        },
    }


_CLIENT = _header("Amazon-Advertising-API-ClientId", required=True)
DOCUMENT: Schema = {
    "openapi": "3.0.1",
    "info": {"title": "Subscriptions of Amazon Marketing Stream", "version": "3.0"},
    "servers": [{"url": "/"}],
    "paths": {
        **_paths(
            "",
            [
                _CLIENT,
                _header("Amazon-Advertising-API-Scope", required=False),
                _header("Amazon-Ads-AccountId", required=False),
            ],
        ),
        **_paths("/dsp", [_CLIENT, _header("Amazon-Ads-Account-ID", required=True)]),
    },
}
OPENAPI = OpenAPI.from_dict(DOCUMENT)
