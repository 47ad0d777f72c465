"""Find the Lambda handlers in the source."""

from __future__ import annotations

import ast
from pathlib import Path

NAME = "lambda_handler"


def handlers(root: Path) -> list[str]:
    """Return every module under `lambdas/` that defines or assigns `lambda_handler`."""
    found = []
    for path in sorted((root / "lambdas").rglob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        if any(_defines(statement) for statement in body):
            found.append(".".join(path.relative_to(root).with_suffix("").parts))
    return found


def _defines(statement: ast.stmt) -> bool:
    match statement:
        case ast.FunctionDef(name=name):
            return name == NAME
        case ast.Assign(targets=targets):
            return any(isinstance(target, ast.Name) and target.id == NAME for target in targets)
        case ast.AnnAssign(target=ast.Name(id=name)):
            return name == NAME
        case ast.With(body=body):
            return any(map(_defines, body))
    return False
