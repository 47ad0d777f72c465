"""CloudFormation resources the emulator lacks or provisions incompletely: archives, secrets, functions, tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import dynamodb, eventbridge, lambda_svc, secretsmanager
from ministack.services.cloudformation import provisioners

from sandbox.emulator.hook import Function, Hook, Table

_PROVISIONERS = "ministack.services.cloudformation.provisioners"
_EVENTS = "ministack.services.eventbridge"
_CREATE = ("logical_id", "props", "stack_name")
_UPDATE = ("physical_id", "old_props", "new_props", "stack_name", "logical_id")
_TYPES = Table(
    _PROVISIONERS,
    "_RESOURCE_HANDLERS",
    ("AWS::SecretsManager::Secret", "AWS::Lambda::Function", "AWS::DynamoDB::Table"),
)

HOOKS: tuple[Hook | Table, ...] = (
    _TYPES,
    Hook(_PROVISIONERS, "_sm_secret_create", _CREATE),
    Hook(_PROVISIONERS, "_sm_secret_update", _UPDATE),
    Hook(_PROVISIONERS, "_sm_secret_delete", ("physical_id", "props")),
    Hook(_PROVISIONERS, "_lambda_create", _CREATE),
    Hook(_PROVISIONERS, "_lambda_update", _UPDATE),
    Hook(_PROVISIONERS, "_ddb_create", _CREATE),
    Hook(_PROVISIONERS, "_ddb_update", _UPDATE),
    Hook("ministack.services.dynamodb", "_update_ttl", ("data",)),
    Hook("ministack.services.dynamodb", "_update_continuous_backups", ("data",)),
    Hook("ministack.services.secretsmanager", "_resolve", ("secret_id", "use_arn_scope")),
    Hook("ministack.services.lambda_svc", "_put_function_recursion_config", ("func_name", "data")),
    Hook(_EVENTS, "_create_archive", ("data",)),
    Hook(_EVENTS, "_update_archive", ("data",)),
    Hook(_EVENTS, "_delete_archive", ("data",)),
)

Created = tuple[str, dict[str, Any]]


def install() -> None:
    """Register the archive type and wrap the other types."""
    types = _TYPES.entries()
    types["AWS::Events::Archive"] = {
        "create": _archive_create,
        "update": _archive_update,
        "delete": _archive_delete,
    }
    secret = types["AWS::SecretsManager::Secret"]
    types["AWS::SecretsManager::Secret"] = {
        **secret,
        "create": _secret_create(secret["create"]),
        "update": _secret_update(secret["update"]),
        "delete": _secret_delete(secret["delete"]),
    }
    function = types["AWS::Lambda::Function"]
    types["AWS::Lambda::Function"] = {
        **function,
        "create": _then(_function_settings, function["create"], position=1),
        "update": _then(_function_settings, function["update"], position=2),
    }
    table = types["AWS::DynamoDB::Table"]
    types["AWS::DynamoDB::Table"] = {
        **table,
        "create": _then(_table_settings, table["create"], position=1),
        "update": _then(_table_settings, table["update"], position=2),
    }


def _accepted(answer: tuple[int, Any, bytes | str]) -> dict[str, Any]:
    status, _, body = answer
    document: dict[str, Any] = json.loads(body)
    if status >= 400:
        raise ValueError(f"AWS::Events::Archive: {document.get('message', document)}")
    return document


def _archive_request(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    pattern = properties.get("EventPattern", "")
    return {
        "ArchiveName": name,
        "EventSourceArn": properties.get("SourceArn", ""),
        "Description": properties.get("Description", ""),
        "EventPattern": json.dumps(pattern) if isinstance(pattern, dict) else pattern,
        "RetentionDays": int(properties.get("RetentionDays", 0)),
    }


def _archive_create(logical_id: str, props: dict[str, Any], stack_name: str) -> Created:
    # 48 characters is the service's limit for the name.
    name = props.get("ArchiveName") or provisioners._physical_name(stack_name, logical_id, max_len=48)
    made = _accepted(eventbridge._create_archive(_archive_request(name, props)))
    return name, {"Arn": made["ArchiveArn"], "ArchiveName": name}


def _archive_update(
    physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], _stack_name: str
) -> Created:
    if old_props.get("SourceArn") != new_props.get("SourceArn"):
        raise ValueError("AWS::Events::Archive: a new SourceArn needs a new archive; give it another name")
    made = _accepted(eventbridge._update_archive(_archive_request(physical_id, new_props)))
    return physical_id, {"Arn": made["ArchiveArn"], "ArchiveName": physical_id}


def _archive_delete(physical_id: str, _props: dict[str, Any]) -> None:
    if physical_id in eventbridge._archives:
        _accepted(eventbridge._delete_archive({"ArchiveName": physical_id}))


def _secret_name(reference: str) -> str:
    """Return the name under which the emulator stores a secret, from the ARN that is its physical id here."""
    name, _ = secretsmanager._resolve(reference)
    return name or reference


def _secret_create(original: Function) -> Function:
    """Make `Ref` of a secret its ARN; without a declared value it has no version and cannot be read, as on AWS."""

    def create(logical_id: str, props: dict[str, Any], stack_name: str) -> Created:
        name, attributes = original(logical_id, props, stack_name)
        if not props.get("SecretString") and not props.get("GenerateSecretString"):
            secretsmanager._secrets[name]["Versions"].clear()
        return attributes["Arn"], attributes

    return create


def _secret_update(original: Function) -> Function:
    def update(
        physical_id: str,
        old_props: dict[str, Any],
        new_props: dict[str, Any],
        stack_name: str,
        logical_id: str | None = None,
    ) -> Created:
        _, attributes = original(_secret_name(physical_id), old_props, new_props, stack_name, logical_id)
        return attributes["Arn"], attributes

    return update


def _secret_delete(original: Function) -> Function:
    def delete(physical_id: str, props: dict[str, Any]) -> None:
        original(_secret_name(physical_id), props)

    return delete


def _then(settle: Callable[[str, dict[str, Any]], None], original: Function, position: int) -> Function:
    """Provision, then apply the declared properties that the emulator ignores.

    `position` is the index of the new properties among the provisioner's arguments.
    """

    def provision(*arguments: Any, **named: Any) -> Created:
        name, attributes = original(*arguments, **named)
        settle(name, named.get("new_props") or arguments[position])
        return name, attributes

    return provision


def _function_settings(name: str, properties: dict[str, Any]) -> None:
    """Apply the reserved concurrency and the recursion setting."""
    reserved = properties.get("ReservedConcurrentExecutions")
    lambda_svc._functions[name]["concurrency"] = None if reserved is None else int(reserved)
    lambda_svc._put_function_recursion_config(
        name, {"RecursiveLoop": properties.get("RecursiveLoop", "Terminate")}
    )


def _table_settings(name: str, properties: dict[str, Any]) -> None:
    """Turn on the time to live and the continuous backups."""
    for setting, apply in (
        ("TimeToLiveSpecification", dynamodb._update_ttl),
        ("PointInTimeRecoverySpecification", dynamodb._update_continuous_backups),
    ):
        if setting in properties:
            apply({"TableName": name, setting: properties[setting]})
