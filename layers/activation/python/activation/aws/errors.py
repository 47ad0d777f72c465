"""The classification of failed AWS calls: one table for every service.

The codes are those of the services' API references and of botocore's own checks before a call
(https://botocore.amazonaws.com/v1/documentation/api/latest/client_upgrades.html, read 2026-11-29).
"""

from __future__ import annotations

from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError, UnknownParameterError

from activation.errors import ConfigError, Retryable

DENIED = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AuthorizationError",
        "AuthorizationErrorException",
        "DecryptionFailure", "EncryptionFailure", "ExpiredToken", "ExpiredTokenException", "Forbidden", "403",
        "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidKMSResourceException",
        "InvalidSecurity", "InvalidSignatureException",
        "KMSAccessDenied", "KMSAccessDeniedException", "KMSDisabled", "KMSDisabledException", "KMSInvalidState",
        "KMSInvalidStateException", "KMSNotFound", "KMSNotFoundException", "KMSOptInRequired", "KmsAccessDenied",
        "KmsDisabled", "KmsInvalidKeyUsage", "KmsInvalidState", "KmsNotFound", "KmsOptInRequired",
        "MissingAuthenticationToken", "NotAuthorized", "OptInRequired", "SignatureDoesNotMatch",
        "UnauthorizedOperation", "UnrecognizedClientException",
    }
)  # fmt: skip
MISSING = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue", "NoSuchBucket", "NotFound", "NotFoundException",
        "QueueDoesNotExist", "ResourceNotFoundException",
    }
)  # fmt: skip
# The request itself is wrong, or the SDK does not know it: repeating it cannot succeed.
WRONG = frozenset(
    {
        "AWS.SimpleQueueService.BatchRequestTooLong", "BatchRequestTooLong", "InvalidArgument",
        "InvalidArgumentException", "InvalidMessageContents", "InvalidParameter", "InvalidParameterException",
        "InvalidParameterValue", "InvalidRequest", "InvalidRequestException", "MalformedXML", "MissingParameter",
        "NotImplemented", "SerializationException", "UnknownOperationException", "UnsupportedOperation",
        "ValidationError", "ValidationException",
    }
)  # fmt: skip
# Throttles and temporary conflicts, which may also come with HTTP 400.
BUSY = frozenset(
    {
        "BandwidthLimitExceeded", "ConcurrentModificationException", "EC2ThrottledException", "InternalError",
        "FilterPolicyLimitExceeded", "InternalFailure", "InternalServerError", "InternalServiceError",
        "KMS.ThrottlingException",
        "KMSThrottling", "KMSThrottlingException", "KmsThrottled", "LimitExceededException", "OperationAborted",
        "PriorRequestNotComplete", "ProvisionedThroughputExceededException", "ReplayLimitExceeded",
        "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "RequestTimeout",
        "RequestTimeoutException", "ServiceUnavailable", "SlowDown", "SubscriptionLimitExceeded",
        "ThrottledException",
        "Throttling", "ThrottlingException", "TooManyRequestsException", "TransactionInProgressException",
        "TransactionConflictException",
    }
)  # fmt: skip
PASSING_STATUS = frozenset({408, 409, 425, 429})


class ErrorKind(StrEnum):
    """What kind of failure a call met: AWS may accept the same call later, or a person has to act."""

    BUSY = "busy"
    DENIED = "denied"
    MISSING = "missing"
    REQUEST = "request"


_ADVICE = {
    ErrorKind.BUSY: " beyond the SDK's retries",
    ErrorKind.DENIED: "; see the function's role",
    ErrorKind.MISSING: "; deploy again",
    ErrorKind.REQUEST: "; a retry cannot succeed",
}


def kind_of(error: ClientError | BotoCoreError) -> ErrorKind:
    """Return the kind of a failed call.

    BUSY when AWS was busy or out of reach. REQUEST when AWS refuses the request for what it is, or the SDK refuses
    to send it: that is final.
    """
    if isinstance(error, ParamValidationError | UnknownParameterError):
        return ErrorKind.REQUEST
    said = code_of(error)
    if not isinstance(error, ClientError) or said in BUSY:
        return ErrorKind.BUSY
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if said in DENIED or said.startswith("KMS."):
        return ErrorKind.DENIED
    if said in MISSING:
        return ErrorKind.MISSING
    if said in WRONG or (400 <= status < 500 and status not in PASSING_STATUS):
        return ErrorKind.REQUEST
    return ErrorKind.BUSY


def classify(
    error: ClientError | BotoCoreError, *, code: str = "aws", after_s: float = 30.0
) -> Retryable | ConfigError:
    """Return the error to raise for a failed call: Retryable when AWS was busy, else ConfigError.

    `code` begins the error's stable code: `<code>_<kind>`.
    """
    kind = kind_of(error)
    if isinstance(error, ClientError):
        sentence = f"AWS answered {code_of(error)} to {error.operation_name}{_ADVICE[kind]}"
    elif kind is ErrorKind.REQUEST:
        sentence = "this release makes an AWS call that the SDK does not know"
    else:
        sentence = f"an AWS service did not answer: {code_of(error)}"
    if kind is ErrorKind.BUSY:
        return Retryable(f"{code}_{kind}", sentence, after_s=after_s)
    return ConfigError(f"{code}_{kind}", sentence)


def code_of(error: ClientError | BotoCoreError) -> str:
    """Return AWS's code for an error, or the SDK's name for one that never reached AWS."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__
