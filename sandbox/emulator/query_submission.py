"""Athena's StartQueryExecution: a token that makes it idempotent, and what is refused before a query begins.

A request with a known ClientRequestToken begins no query and is answered as the first was, or refused if a
parameter has changed. AWS's page does not list which ones it compares; here it is the text, the context and the
result location.
https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html (read 2026-11-30)
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import athena

from sandbox.emulator.hook import Function, Hook
from sandbox.emulator.unload_statement import MalformedUnloadError, parse

_START = Hook("ministack.services.athena", "_start_query_execution", ("data",))

HOOKS: tuple[Hook, ...] = (_START,)

_COMPARED = ("QueryString", "QueryExecutionContext", "ResultConfiguration")


def install() -> None:
    """Look at each request before the emulator does."""
    _START.replace(_idempotent)


def _idempotent(original: Function) -> Function:
    def start(data: dict[str, Any]) -> Any:
        token = data.get("ClientRequestToken")
        compared = {name: data.get(name) for name in _COMPARED}
        # Kept in the executions themselves, so that what forgets or restores them does so with the tokens.
        for known in athena._executions.values() if token else ():
            if known.get("_token") == token:
                if known["_compared"] != compared:
                    return _refused("IDEMPOTENT_PARAMETER_MISMATCH", "Idempotent parameters do not match")
                return json_response({"QueryExecutionId": known["QueryExecutionId"]})
        try:
            unload = parse(data.get("QueryString", ""))
        except MalformedUnloadError as error:
            return _refused("MALFORMED_QUERY", f"line 1:1: {error}")
        answer = original(data)
        if answer[0] == 200:
            query_id = json.loads(answer[2])["QueryExecutionId"]
            execution = athena._executions[query_id]
            execution["_token"], execution["_compared"] = token, compared
            where = execution["ResultConfiguration"]
            base = f"{where['OutputLocation'].removesuffix(f'{query_id}.csv').rstrip('/')}/{query_id}"
            if unload is None:
                where["OutputLocation"] = f"{base}.csv"
            else:  # as for INSERT: no rows, so no file of them
                where["OutputLocation"], execution["StatementType"] = base, "DML"
        return answer

    return start


def _refused(code: str, message: str) -> Any:
    return error_response_json("InvalidRequestException", message, 400, extra={"AthenaErrorCode": code})
