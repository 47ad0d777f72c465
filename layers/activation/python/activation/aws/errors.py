"""What a failed call on AWS means for the work that made it: one table for every service.

The codes are those of the services' API references and of botocore's own checks before a call
(https://botocore.amazonaws.com/v1/documentation/api/latest/client_upgrades.html, read 2026-11-29).
"""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError, UnknownParameterError

from activation.errors import ConfigError, Retryable

DENIED = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AuthorizationError",
        "AuthorizationErrorException", "DecryptionFailure", "EncryptionFailure", "ExpiredToken",
        "ExpiredTokenException", "Forbidden", "InvalidAccessKeyId", "InvalidClientTokenId",
        "KMSAccessDeniedException", "KMSDisabledException", "KMSInvalidStateException", "KMSNotFoundException",
        "KMSOptInRequired", "SignatureDoesNotMatch", "UnauthorizedOperation", "UnrecognizedClientException",
        "403",
    }
)  # fmt: skip
MISSING = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue", "NoSuchBucket", "NotFound", "NotFoundException",
        "QueueDoesNotExist", "ResourceNotFoundException",
    }
)  # fmt: skip
# What AWS will never accept, however often it is asked: the request itself is wrong, or the SDK does not know it.
WRONG = frozenset(
    {
        "InvalidArgument", "InvalidArgumentException", "InvalidParameter", "InvalidParameterException",
        "InvalidParameterValue", "InvalidRequest", "InvalidRequestException", "MalformedXML", "MissingParameter",
        "NotImplemented", "SerializationException", "UnknownOperationException", "UnsupportedOperation",
        "ValidationError", "ValidationException",
    }
)  # fmt: skip
# Throttles and passing conflicts, which come with HTTP 400 as well.
BUSY = frozenset(
    {
        "BandwidthLimitExceeded", "ConcurrentModificationException", "EC2ThrottledException", "InternalError",
        "InternalFailure", "InternalServerError", "ServiceUnavailable",
        "KMSThrottlingException", "LimitExceededException", "OperationAborted", "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled",
        "RequestThrottledException", "RequestTimeout", "RequestTimeoutException", "SlowDown", "ThrottledException",
        "Throttling", "ThrottlingException", "TooManyRequestsException", "TransactionInProgressException",
        "TransactionConflictException",
    }
)  # fmt: skip
PASSING_STATUS = frozenset({408, 409, 425, 429})


def classify(
    error: ClientError | BotoCoreError, *, code: str = "aws", after_s: float = 30.0
) -> Retryable | ConfigError:
    """Return what a failed call means.

    Retryable when AWS was busy or out of reach, ConfigError when a person has to act. `code` begins the error's
    stable code: `<code>_busy`, `<code>_denied`, `<code>_missing` or `<code>_request`. A request that AWS refuses
    for what it is, or that the SDK refuses to send, is final: waiting cannot mend it.
    """
    if isinstance(error, ParamValidationError | UnknownParameterError):
        return ConfigError(f"{code}_request", "this release asks AWS for something that the SDK does not know")
    if not isinstance(error, ClientError):
        sentence = f"an AWS service did not answer: {type(error).__name__}"
        return Retryable(f"{code}_busy", sentence, after_s=after_s)
    said, call = code_of(error), error.operation_name
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if said in DENIED or said.startswith("KMS."):
        return ConfigError(f"{code}_denied", f"AWS answered {said} to {call}; see the function's role")
    if said in MISSING:
        return ConfigError(f"{code}_missing", f"AWS answered {said} to {call}; deploy again")
    if said in WRONG or (400 <= status < 500 and status not in PASSING_STATUS and said not in BUSY):
        return ConfigError(f"{code}_request", f"AWS answered {said} to {call}; waiting cannot mend that")
    return Retryable(f"{code}_busy", f"AWS answered {said} to {call} beyond the SDK's retries", after_s=after_s)


def code_of(error: ClientError | BotoCoreError) -> str:
    """Return AWS's code for an error, or the SDK's name for one that never reached AWS."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__
