"""The codes that the sources raise, found by reading them, so that no list of errors' names has to be kept."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

from activation.drops.codes import FILE_CODES, ROW_CODES
from activation.identifiers.codes import Code

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("layers/activation/python/activation", "lambdas", "cli", "glue_scripts")
AWS_ENDINGS = ("busy", "denied", "missing", "request")  # of activation.aws.errors.classify
WORD = re.compile(r"[a-z][a-z0-9_]*")
# Codes of rows, findings and dead letters that are counted or written under their constant, and passed to no call.
COUNTED = {
    "NO_CONSENT_ELSEWHERE",
    "DELETED_ELSEWHERE",
    "SENT_BY_OTHERS",
    "NOT_TOLD_APART",
    "NOT_A_NUMBER",
    "INCOMPLETE_GROUP",
    "NOT_NAMED",
    "NO_REASON",
    "UNEXPECTED_ERROR",
}
# What asks for a text, and an error whose run goes on at once and shows no code.
NOT_SHOWN = {"explain", "find", "explain_code", "OutOfTime"}
INTERNAL = {
    "found",
    "nothing_sent",
}  # of outcomes between two modules: an audience that exists, an upload that is settled
BY_NAME_ONLY = -1


@cache
def raised_codes() -> frozenset[str]:
    """Return every code that an error, an outcome, a cell, a row or a warning can have."""
    passed = set(chain.from_iterable(map(_of_call, _nodes(ast.Call)))) - INTERNAL
    counted = chain.from_iterable(_constants()[name] for name in COUNTED)
    return frozenset({*passed, *counted, *Code, *FILE_CODES, *ROW_CODES, *(f"aws_{end}" for end in AWS_ENDINGS)})


@cache
def _modules() -> tuple[ast.Module, ...]:
    paths = chain.from_iterable(sorted((ROOT / source).rglob("*.py")) for source in SOURCES)
    return tuple(ast.parse(path.read_text(encoding="utf-8")) for path in paths)


def _nodes(*kinds: type[ast.AST]) -> Iterator[ast.AST]:
    return (node for module in _modules() for node in ast.walk(module) if isinstance(node, kinds))


@cache
def _constants() -> dict[str, frozenset[str]]:
    """Return the texts that modules give names to; one name may be another text in another module."""
    found = defaultdict(set)
    for module in _modules():
        for node in module.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                    found[name].add(text)
    return {name: frozenset(texts) for name, texts in found.items()}


@cache
def _carriers() -> dict[str, int]:
    """Return which functions and classes take a code, and as which argument; a class takes it as its base does."""
    bases, found = {}, {}
    for node in _nodes(ast.ClassDef, ast.FunctionDef):
        match node:
            case ast.FunctionDef(name=name) if name != "__init__":
                place = _place_in_function(node)
            case ast.ClassDef(name=name):
                constructors = [one for one in node.body if getattr(one, "name", "") == "__init__"]
                bases[name] = [] if constructors else [ast.unparse(base) for base in node.bases]
                place = _place_in_function(constructors[0]) if constructors else _place_in_fields(node)
            case _:
                continue
        if place is not None:
            found[name] = place
    while new := {name: found[base] for name in bases.keys() - found for base in bases[name] if base in found}:
        found |= new
    return {name: place for name, place in found.items() if name not in NOT_SHOWN} | {"replace": BY_NAME_ONLY}


def _place_in_function(node: ast.AST) -> int | None:
    assert isinstance(node, ast.FunctionDef)
    arguments = [one for one in (*node.args.posonlyargs, *node.args.args) if one.arg not in ("self", "cls")]
    named = [one for one in (*arguments, *node.args.kwonlyargs) if one.arg == "code" and _is_text(one.annotation)]
    if not named:
        return None
    return arguments.index(named[0]) if named[0] in arguments else BY_NAME_ONLY


def _place_in_fields(node: ast.ClassDef) -> int | None:
    fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
    places = (
        at for at, one in enumerate(fields) if ast.unparse(one.target) == "code" and _is_text(one.annotation)
    )
    return next(places, None)


def _is_text(annotation: ast.expr | None) -> bool:
    return annotation is not None and "str" in re.findall(r"\w+", ast.unparse(annotation))


def _of_call(call: ast.AST) -> Iterator[str]:
    """Yield the codes that a call gives to an error or an outcome; an OK outcome's is nobody's to read."""
    assert isinstance(call, ast.Call)
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    by_name = next((one.value for one in call.keywords if one.arg == "code"), None)
    if name == "classify":
        yield from (f"{prefix}_{ending}" for prefix in _words(by_name) for ending in AWS_ENDINGS)
        return
    if name == "__init__" and ast.unparse(call.func) == "super().__init__":  # of an error's own constructor
        yield from chain.from_iterable(map(_words, call.args[:1]))
        return
    place = _carriers().get(name)
    if place is None or "OutcomeKind.OK" in map(ast.unparse, call.args[:1]):
        return
    yield from _words(by_name)
    if place != BY_NAME_ONLY:
        yield from chain.from_iterable(map(_words, call.args[place : place + 1]))


def _words(node: ast.expr | None) -> Iterator[str]:
    """Yield the codes an argument can have: a text, a constant, or those that an `if` or an `or` chooses from."""
    match node:
        case ast.Constant(value=str(text)) if WORD.fullmatch(text):
            yield text
        case ast.Name(id=name) | ast.Attribute(attr=name) if name.isupper():
            yield from filter(WORD.fullmatch, _constants().get(name, ()))
        case ast.IfExp(body=one, orelse=other):
            yield from chain(_words(one), _words(other))
        case ast.BoolOp(values=values):
            yield from chain.from_iterable(map(_words, values))
