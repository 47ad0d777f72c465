"""The templates of Amazon Marketing Stream's stacks, synthesised."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stacks.packaging import ROOT
from tests.infrastructure.conftest import context, host_wheels

Template = Mapping[str, Any]


def synthesise(outdir: Path, stream: object, *, staging: bool = False, **flags: str) -> dict[str, Template]:
    """Synthesise the app with this section and these flags; returns the templates by stack name."""
    from app import build

    configured = json.loads((ROOT / "cdk.context.json").read_text())["audience_activation"]
    given = {**configured, "wheels": host_wheels(), "marketing_stream": stream}
    build(outdir=str(outdir), context=context(given, staging=staging) | flags).synth()
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_text())
        for path in outdir.glob("*.template.json")
    }


def of_type(template: Template, type_: str) -> dict[str, Any]:
    """Return the properties of the resources of a type, by logical id."""
    return {id_: one.get("Properties", {}) for id_, one in template["Resources"].items() if one["Type"] == type_}
