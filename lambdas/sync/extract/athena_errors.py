"""What a failure of Athena means: wait, or ask a person. Its own text may quote a value and is never passed on.

https://docs.aws.amazon.com/athena/latest/APIReference/API_AthenaError.html, read 2026-11-30.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from activation.aws.errors import ErrorKind, code_of, kind_of
from activation.errors import ConfigError, Retryable
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.sync.source import (
    Consent,
    column_missing,
    consent_missing,
    denied,
    not_configured,
    selection_failed,
    unreachable,
)

_SYSTEM = 1  # the category of errors that are Athena's own
_MISMATCH = "IDEMPOTENT_PARAMETER_MISMATCH"
_EXISTS = "HIVE_PATH_ALREADY_EXISTS"
_DENIED = re.compile(r"access denied|access_denied|not authorized|insufficient permissions", re.IGNORECASE)
_COLUMN = re.compile(r"column", re.IGNORECASE)
_NAMES = re.compile(r"""['"]([^'"]+)['"]""")
_CODE = re.compile(r"[A-Z][A-Z_]{3,}(?=:)")


def of_call(error: ClientError | BotoCoreError) -> Retryable | ConfigError:
    """Return what a refused request means."""
    kind = kind_of(error)
    if kind is ErrorKind.BUSY:
        return unreachable(f"Athena is not available ({code_of(error)})")
    if kind is ErrorKind.DENIED:
        return denied("the function's role may not query: allow it the workgroup, the catalogue and the data")
    answer: Mapping[str, Any] = error.response if isinstance(error, ClientError) else {}
    code = str(answer.get("AthenaErrorCode") or "")
    if code == _MISMATCH:  # the declaration was changed since the query began: another attempt has another token
        return unreachable("the selection has changed since its query began", after_s=5)
    if "workgroup" in str(answer.get("Error", {}).get("Message", "")).lower():
        return not_configured("Athena has no such workgroup, or it is disabled: correct `workgroup`")
    return selection_failed(code or code_of(error))


def of_query(
    status: Mapping[str, Any], columns: Collection[str], consent: Consent | None
) -> Retryable | ConfigError:
    """Return what a query that failed or was cancelled means; `columns` are those of the selection."""
    said, reason = status.get("AthenaError") or {}, str(status.get("StateChangeReason") or "")
    if status["State"] == "CANCELLED":
        return unreachable("the query was cancelled")
    if said.get("Retryable") or said.get("ErrorCategory") == _SYSTEM or _EXISTS in reason:
        return unreachable("Athena ended the query")
    if _DENIED.search(reason):
        return denied("the query may not read a table or its data: grant both to the function's role")
    if _COLUMN.search(reason):
        # Athena names the column that it cannot resolve; what else it names is not shown.
        named = set(_NAMES.findall(reason))
        if consent is not None and consent.column in named:
            return consent_missing(consent.column, "is not selected")
        if lacking := sorted(named & set(columns)):
            return column_missing(lacking[0])
    found = _CODE.search(reason)
    return selection_failed(found[0] if found else "the query failed")
