"""The deployed connectors as the stacks' outputs tell them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.connectors import deployed, output
from sandbox.errors import SandboxError

OUTPUTS = {
    "app-storage": {"DropsBucket": "drops", "ReceiptsBucket": "receipts"},
    "app-activation": {
        "MetaEuSecretArn": "arn:eu",
        "MetaEuQueueUrl": "http://eu",
        "MetaSecretArn": "arn:plain",
        "TiktokSecretArn": "arn:tiktok",
    },
}


def test_connectors_find_their_outputs_by_name_without_hyphens(tmp_path: Path) -> None:
    """Two connectors of one platform, one named with a hyphen, each get their own resources."""
    connectors = [
        {"name": "meta-eu", "platform": "meta"},
        {"name": "meta", "platform": "meta"},
        {"name": "tiktok", "platform": "tiktok"},
    ]
    settings = {"audience_activation": {"connectors": connectors}}
    (tmp_path / "cdk.context.json").write_text(json.dumps(settings))
    found = {one.name: one for one in deployed(OUTPUTS, tmp_path)}
    assert found["meta-eu"].resources == {"secret_arn": "arn:eu", "queue_url": "http://eu"}
    assert found["meta"].resources == {"secret_arn": "arn:plain"}
    assert found["tiktok"].platform == "tiktok"


def test_output_is_found_in_any_stack_or_named_as_missing() -> None:
    """A caller need not know which stack has an output; one that none has is an error with its name."""
    assert output(OUTPUTS, "ReceiptsBucket") == "receipts"
    with pytest.raises(SandboxError, match="LedgerTable"):
        output(OUTPUTS, "LedgerTable")
