"""The folder from which a user deploys: settings of its own, so that nothing of the checkout's is touched."""

from __future__ import annotations

import json
import secrets
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.place import ROOT

CONNECTOR = "meta"
PREFIX = "smoke-"


def fresh_name() -> str:
    """Return a name of an app that no account has: `smoke-` and eight random letters and digits."""
    return f"{PREFIX}{secrets.token_hex(4)}"


def settings(
    name: str, *, any_endpoint: bool, wheels: Mapping[str, str], more: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the settings of an app of one connector, of which nobody is mailed, and `more` sections.

    What is kept when a stack is deleted is left at its default, since that is what a user's own app has.
    """
    return {
        "name": name,
        "alarms": "none",
        "endpoints": "any" if any_endpoint else "platform",
        # Two at a time, so that an account whose limit of concurrent functions is the lowest can run them.
        "connectors": [{"name": CONNECTOR, "platform": "meta", "max_concurrency": 2}],
        **({"wheels": dict(wheels)} if wheels else {}),
        **more,
    }


def write(folder: Path, app: dict[str, Any], root: Path = ROOT) -> None:
    """Write cdk.json, which runs the checkout's app with its flags, and cdk.context.json with these settings."""
    cdk = json.loads((root / "cdk.json").read_text(encoding="utf-8"))
    cdk["app"] = shlex.join([sys.executable, str(root / "app.py")])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cdk.json").write_text(json.dumps(cdk, indent=2), encoding="utf-8")
    (folder / "cdk.context.json").write_text(json.dumps({"audience_activation": app}, indent=2), encoding="utf-8")
