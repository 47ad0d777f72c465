"""The codes that a user can meet, and the pages that explain them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from activation.drops.codes import FILE_CODES, ROW_CODES
from activation.identifiers.codes import Code

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("layers/activation/python/activation", "lambdas", "cli", "glue_scripts")
PAGES = ("docs/operations.md", "docs/codes.md", "docs/ci360.md")  # the first links to the others
# Calls that give a code; OutOfTime is not among them, since its run goes on at once and shows none.
CARRIERS = {"ConfigError", "Rejected", "Retryable", "NoConnector", "Outcome", "Meaning", "refused", "replace"}
CARRIERS |= {"BadLink", "Ending", "__init__", "RunWarning", "QueryRefusedError", "NoEnvironmentError", "NotDone"}
AWS_ENDINGS = ("busy", "denied", "missing", "request")  # of activation.aws.errors.classify
# Named as a constant, since more than one module counts rows under them.
CONSTANTS = {"NO_IDENTIFIER", "NOT_NAMED", "NO_CONSENT", "DELETED_AT_SOURCE", "NOT_DELETED", "LOCKED", "CODE"}
CONSTANTS |= {
    "NO_CONSENT_ELSEWHERE",
    "DELETED_ELSEWHERE",
    "BLANK_GROUP_KEY",
    "EVENT_ID_INCOMPLETE",
    "NOT_A_NUMBER",
    "UNEXPECTED_ERROR",
}
CONSTANTS |= {"UNREACHABLE", "SELECTION_FAILED", "COLUMN_MISSING", "NOT_UNDERSTOOD"}
CONSTANTS |= {"CONSENT_MISSING", "NOT_CONFIGURED", "DECLARATION_BUSY", "CELLS_UNREAD", "INCOMPLETE_GROUP"}
WORD = re.compile(r"[a-z][a-z0-9_]*")


def words(node: ast.expr | None) -> Iterator[str]:
    """Yield the codes an argument can have: a text, or the texts that an `if` or an `or` chooses from."""
    match node:
        case ast.Constant(value=str(text)) if WORD.fullmatch(text):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from words(one)
            yield from words(other)
        case ast.BoolOp(values=values):
            yield from chain.from_iterable(map(words, values))


def of_call(call: ast.Call) -> Iterator[str]:
    """Yield the codes that a call gives to an error or an outcome; an OK outcome's is nobody's to read."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    by_name = next((one.value for one in call.keywords if one.arg == "code"), None)
    if name == "classify":
        yield from (f"{prefix}_{ending}" for prefix in words(by_name) for ending in AWS_ENDINGS)
    elif name in CARRIERS:
        place = 1 if name in ("Outcome", "Meaning") else 0
        succeeded = "OutcomeKind.OK" in map(ast.unparse, call.args[:1])
        if len(call.args) > place and name != "replace" and not succeeded:
            yield from words(call.args[place])
        yield from words(by_name)


def of_source(path: Path) -> Iterator[str]:
    """Yield the codes of one module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call():
                yield from of_call(node)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in CONSTANTS:
                yield from words(value)


def codes() -> set[str]:
    """Return every code that an error, an outcome, a cell, a row or a warning can have."""
    paths = chain.from_iterable((ROOT / source).rglob("*.py") for source in SOURCES)
    raised = set(chain.from_iterable(map(of_source, paths)))
    return raised | {*Code, *FILE_CODES, *ROW_CODES} | {f"aws_{ending}" for ending in AWS_ENDINGS}


def explained(*pages: str) -> set[str]:
    """Return the codes in the first column of the pages' tables."""
    rows = chain.from_iterable((ROOT / page).read_text(encoding="utf-8").splitlines() for page in pages)
    cells = (row.split("|")[1] for row in rows if row.startswith("| `"))
    return set(chain.from_iterable(re.findall(r"`([a-z][a-z0-9_]*)`", cell) for cell in cells))


def test_the_search_finds_codes_of_each_kind() -> None:
    """Errors, refusals, outcomes, AWS errors, cells, rows and warnings are all found."""
    some = {"bad_name", "html_page", "xml_document", "throttled", "invalid_entries", "ledger_denied"}
    assert some | {"not_a_phone", "ragged_row", "no_identifier", "audience_small", "unknown_connector"} <= codes()


def test_every_code_is_explained() -> None:
    """Each code stands in a table of the operations page or of a page it links to."""
    assert sorted(codes() - explained(*PAGES)) == []


def test_no_explanation_is_of_a_code_that_is_gone() -> None:
    """The list of codes has none that nothing gives any more."""
    assert sorted(explained("docs/codes.md") - codes()) == []


def test_the_operations_page_links_the_pages() -> None:
    """Who reads the first page finds the others."""
    text = (ROOT / PAGES[0]).read_text(encoding="utf-8")
    assert [page for page in PAGES[1:] if f"]({page.removeprefix('docs/')}" not in text] == []
