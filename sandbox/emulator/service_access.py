"""Whether the policy of a queue, topic, function, bucket or role lets an AWS service in.

The emulator evaluates these policies for users and roles; what one service sends to another it delivers unasked.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, get_region

from sandbox.emulator.hook import Hook

HOOKS = (
    Hook(
        "ministack.core.iam_evaluator",
        "evaluate_resource_policy",
        ("doc", "ctx", "service", "named_only", "direct_only"),
    ),
)


def admits(
    policy: str | dict[str, Any] | None,
    service: str,
    action: str,
    arn: str,
    source_arn: str = "",
    *,
    source_account: str = "",
) -> bool:
    """Return whether a policy lets `service` do `action` on the resource `arn`.

    With `source_arn`, the request carries `aws:SourceArn` and `aws:SourceAccount` (this one by default), as
    conditions compare them; without it there are neither, so that a condition on them is not met.
    """
    account = source_account or get_account_id()
    known = {"aws:sourcearn": source_arn, "aws:sourceaccount": account} if source_arn else {}
    context = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=arn,
        region=get_region(),
        secure_transport=True,
        service_context=known,
    )
    decided: str = evaluate_resource_policy(_for_services(policy), context, service=service).decision
    return decided == "Allow"


def _for_services(policy: str | dict[str, Any] | None) -> dict[str, Any]:
    """Return what a policy says to services: not an Allow for accounts, as in a topic's default policy.

    A role's trust policy names no resource, since it is of that role only.
    """
    document: dict[str, Any] = json.loads(policy or "{}") if isinstance(policy, str) else policy or {}
    statements = document.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    kept = [{"Resource": "*", **one} for one in listed if one["Effect"] == "Deny" or _names_service(one)]
    return {**document, "Statement": kept}


def _names_service(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal")
    return isinstance(principal, dict) and "Service" in principal
