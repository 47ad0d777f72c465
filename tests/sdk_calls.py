"""Every call of the AWS SDK in the functions' sources, found by its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
from activation.aws.sdk import NEEDED
from botocore import xform_name

ROOT = Path(__file__).resolve().parents[1]
# What the SDK's own transfer of a file calls.
TRANSFER = {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload"}
# Names of the SDK that these sources use for something else.
OURS = {
    ("publish", "lambdas/marketing_stream/fan_out.py"),
    ("create_connection", "lambdas/ci360/pinned.py"),
    ("get_session", "lambdas/ci360/aws.py"),
    ("query", "lambdas/snapchat/answers.py"),
    ("scan", "layers/activation/python/activation/runs/mirror.py"),
    ("scan", "layers/activation/python/activation/runs/mirror_removal.py"),
    ("scan", "layers/activation/python/activation/runs/part.py"),
    ("scan", "layers/activation/python/activation/runs/run.py"),
}


@cache
def operations() -> dict[str, tuple[str, str]]:
    """Return service and operation by the name of a client's method, for the services that functions use."""
    session = botocore.session.get_session()
    models = [session.get_service_model(service) for service in NEEDED]
    return {xform_name(name): (model.service_name, name) for model in models for name in model.operation_names}


@cache
def calls_of(path: Path) -> frozenset[tuple[str, str, str]]:
    """Return the calls in a source as service, operation and argument, "" for the call itself."""
    known, name = operations(), path.relative_to(ROOT).as_posix()
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        arguments = [keyword.arg for keyword in node.keywords if keyword.arg]
        # A method that is called, or handed to what calls it.
        methods = [one.attr for one in (node.func, *node.args) if isinstance(one, ast.Attribute)]
        if "upload_fileobj" in methods:
            found |= {("s3", one, "") for one in TRANSFER}
        methods += [str(one) for one in _paginated(node)]
        for method in methods:
            if method in known and (method, name) not in OURS:
                found |= {(*known[method], ""), *((*known[method], one) for one in arguments)}
    return frozenset(found)


def _paginated(node: ast.Call) -> Iterator[object]:
    """Yield the name of the operation that a call pages through."""
    inner = node.func.value if isinstance(node.func, ast.Attribute) and node.func.attr == "paginate" else None
    if isinstance(inner, ast.Call) and inner.args and isinstance(inner.args[0], ast.Constant):
        yield inner.args[0].value


def sources() -> list[Path]:
    """Return the sources of all functions and of the library that they share."""
    return sorted(path for folder in ("layers/activation", "lambdas") for path in (ROOT / folder).rglob("*.py"))
