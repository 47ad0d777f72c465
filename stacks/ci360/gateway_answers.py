"""API Gateway's answers without a call of the function, in our own words: its default texts could quote the body.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_apigateway as apigateway


@dataclass(frozen=True)
class Answer:
    """A gateway response; a status of "" keeps API Gateway's own."""

    kind: apigateway.ResponseType
    status: str
    code: str
    sentence: str


ANSWERS = {
    "BadBody": Answer(
        apigateway.ResponseType.BAD_REQUEST_BODY, "400", "VALIDATION_ERROR", "Invalid request payload"
    ),
    "BadParameters": Answer(
        apigateway.ResponseType.BAD_REQUEST_PARAMETERS, "400", "VALIDATION_ERROR", "Invalid request parameters"
    ),
    "NoKey": Answer(
        apigateway.ResponseType.INVALID_API_KEY, "403", "FORBIDDEN", "The x-api-key header is missing or wrong"
    ),
    # API Gateway's name for a route that does not exist.
    "NoRoute": Answer(
        apigateway.ResponseType.MISSING_AUTHENTICATION_TOKEN, "404", "NOT_FOUND", "There is nothing here"
    ),
    "TooLarge": Answer(
        apigateway.ResponseType.REQUEST_TOO_LARGE, "413", "PAYLOAD_TOO_LARGE", "The body is too large"
    ),
    "MediaType": Answer(
        apigateway.ResponseType.UNSUPPORTED_MEDIA_TYPE,
        "415",
        "UNSUPPORTED_MEDIA_TYPE",
        "The body must be application/json",
    ),
    "Throttled": Answer(
        apigateway.ResponseType.THROTTLED, "429", "TOO_MANY_REQUESTS", "Too many requests at once"
    ),
    "Quota": Answer(apigateway.ResponseType.QUOTA_EXCEEDED, "429", "QUOTA_EXCEEDED", "Too many requests today"),
    "Filtered": Answer(apigateway.ResponseType.WAF_FILTERED, "403", "FORBIDDEN", "This address may not call"),
    "Timeout": Answer(
        apigateway.ResponseType.INTEGRATION_TIMEOUT, "504", "GATEWAY_TIMEOUT", "Please call again later"
    ),
    "Failure": Answer(
        apigateway.ResponseType.INTEGRATION_FAILURE, "502", "BAD_GATEWAY", "Please call again later"
    ),
    "Other4xx": Answer(apigateway.ResponseType.DEFAULT_4_XX, "", "REQUEST_REFUSED", "The request was refused"),
    "Other5xx": Answer(apigateway.ResponseType.DEFAULT_5_XX, "", "INTERNAL_ERROR", "Please call again later"),
}
