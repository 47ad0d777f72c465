"""`audiences.yml`: what it declares, every mistake at once with its line, and the schema that says the same."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import date, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator

from cli.declaration_file import read_file
from cli.declaration_schema import declarations_schema
from lambdas.sync.declaration import Schedule, SourceKind, TableDeclaration, Target
from lambdas.sync.declarations import DeclarationsError, read_declarations
from lambdas.sync.source import Consent

SCHEMA = Path(__file__).parents[3] / "docs" / "schemas" / "audiences.schema.json"
TEXT = """\
sources:
  cdp: {kind: postgres}
  lake: {kind: athena, workgroup: activation, database: marts}
defaults:
  timezone: America/Argentina/Buenos_Aires
  guard: {empty: stop, leave: 30%, shrink: 0.3}
  consent: {column: accepts_marketing, allow: [true]}
  every: 48h
  at: 10:00
  from: 2026-12-01
audiences:
  kangoo:
    source: cdp
    sql: sql/active.sql
    params: {tenants: [20, 25], not_segments: [Lost, Hibernating]}
    columns: {email: email, phone: phone}
    to:
      - {connector: meta-kangoo, audience: CDP - Kangoo}
  vip:
    source: lake
    table: marts.vip
    columns: {mail: email, clv: ignore}
    consent: selected
    action: replace
    to: [{connector: meta, audience: VIP, account: "1234", id: "77"}]
    every: 1d
    at: "06:30"
    timezone: UTC
    options: {retention_days: 90}
    paused: true
tables:
  - {source: cdp, table: cdp.facebook_configurations, like: kangoo, audience: "CDP - {system_name}"}
"""
SQL = (
    "select email, phone, accepts_marketing from c where tenant_id in :tenants and segment not in :not_segments\n"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file, with the SQL that it names beside it."""
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "active.sql").write_text(SQL)
    (tmp_path / "audiences.yml").write_text(TEXT)
    return tmp_path / "audiences.yml"


@pytest.fixture
def document(path: Path) -> dict[str, Any]:
    """Return the document that the file is."""
    return read_file(path).document


def test_what_the_file_declares(path: Path) -> None:
    """Defaults hold where an audience says nothing itself, SQL files are in place, and texts stay texts."""
    found = read_file(path).declarations
    kangoo, vip = found.audiences
    assert kangoo.selection.sql == SQL
    assert kangoo.selection.params == {"tenants": (20, 25), "not_segments": ("Lost", "Hibernating")}
    assert kangoo.selection.columns == (("email", "email"), ("phone", "phone"))
    assert kangoo.selection.consent is not None
    assert kangoo.selection.consent.column == "accepts_marketing"
    assert {"true", "yes", "1"} <= set(kangoo.selection.consent.allow)
    zone = ZoneInfo("America/Argentina/Buenos_Aires")
    assert kangoo.schedule == Schedule(date(2026, 12, 1), time(10), zone, 48)
    assert (kangoo.action, kangoo.paused) == ("mirror", False)
    assert kangoo.options == {"guard": {"empty": "stop", "leave": "30%", "shrink": 0.3}}
    assert vip.schedule == Schedule(date(2026, 12, 1), time(6, 30), ZoneInfo("UTC"), 24)
    assert (vip.selection.table, vip.selection.consent, vip.action) == ("marts.vip", None, "replace")
    assert vip.to == (Target("meta", "VIP", "1234", "77"),)
    assert vip.options["retention_days"] == 90
    assert found.source("lake").kind is SourceKind.ATHENA
    assert found.tables == (
        TableDeclaration("cdp", "cdp.facebook_configurations", "kangoo", "CDP - {system_name}"),
    )


def test_the_function_reads_what_the_command_stores(path: Path) -> None:
    """The document survives JSON, and declares the same."""
    found = read_file(path)
    assert read_declarations(json.loads(json.dumps(found.document))) == found.declarations


GOOGLE = {"google": {"ad_user_data": "GRANTED", "ad_personalization": "GRANTED"}}
Edit = Callable[[dict[str, Any]], Any]
# What is done to the document, where the mistake is, and whether a schema can know.
WRONG: dict[str, tuple[Edit, str, bool]] = {
    "no sources": (lambda d: d.pop("sources"), "audiences.kangoo.source", True),
    "unknown key": (lambda d: d.update(audience={}), "audience", True),
    "source's name": (lambda d: d["sources"].update({"C D P": {"kind": "postgres"}}), "sources.C D P", True),
    "kind": (lambda d: d["sources"].update(cdp={"kind": "mysql"}), "sources.cdp.kind", True),
    "postgres has no workgroup": (
        lambda d: d["sources"]["cdp"].update(workgroup="x"),
        "sources.cdp.workgroup",
        True,
    ),
    "athena without workgroup": (lambda d: d["sources"]["lake"].pop("workgroup"), "sources.lake.workgroup", True),
    "default": (lambda d: d["defaults"].update(columns={}), "defaults.columns", True),
    "audience's name": (
        lambda d: d["audiences"].update({"a/b": d["audiences"].pop("vip")}),
        "audiences.a/b",
        True,
    ),
    "unknown source": (lambda d: d["audiences"]["vip"].update(source="dwh"), "audiences.vip.source", False),
    "sql and table": (lambda d: d["audiences"]["vip"].update(sql="select 1"), "audiences.vip.sql", True),
    "neither": (lambda d: d["audiences"]["vip"].pop("table"), "audiences.vip.sql", True),
    "table": (lambda d: d["audiences"]["vip"].update(table="vip; drop"), "audiences.vip.table", True),
    "params of a table": (lambda d: d["audiences"]["vip"].update(params={"a": 1}), "audiences.vip.params", False),
    "param missing": (
        lambda d: d["audiences"]["kangoo"]["params"].pop("tenants"),
        "audiences.kangoo.params",
        False,
    ),
    "param unused": (
        lambda d: d["audiences"]["kangoo"]["params"].update(x=1),
        "audiences.kangoo.params.x",
        False,
    ),
    "empty list": (
        lambda d: d["audiences"]["kangoo"]["params"].update(tenants=[]),
        "audiences.kangoo.params.tenants",
        True,
    ),
    "mixed list": (
        lambda d: d["audiences"]["kangoo"]["params"].update(tenants=[20, "25"]),
        "audiences.kangoo.params.tenants",
        True,
    ),
    "null": (
        lambda d: d["audiences"]["kangoo"]["params"].update(tenants=None),
        "audiences.kangoo.params.tenants",
        True,
    ),
    "no columns": (lambda d: d["audiences"]["vip"].update(columns={}), "audiences.vip.columns", True),
    "column to nothing": (
        lambda d: d["audiences"]["vip"]["columns"].update(mail=None),
        "audiences.vip.columns.mail",
        True,
    ),
    "no consent": (lambda d: d["defaults"].pop("consent"), "audiences.kangoo.consent", False),
    "consent's word": (lambda d: d["audiences"]["vip"].update(consent="yes"), "audiences.vip.consent", True),
    "consent without answers": (
        lambda d: d["audiences"]["vip"].update(consent={"column": "c"}),
        "audiences.vip.consent.allow",
        True,
    ),
    "everybody consents": (
        lambda d: d["audiences"]["vip"].update(consent={"column": "c", "allow": [True, False]}),
        "audiences.vip.consent.allow",
        False,
    ),
    "two columns of consent": (
        lambda d: d["audiences"]["vip"].update(consent={"column": ["c", "d"], "allow": [True]}),
        "audiences.vip.consent.column",
        True,
    ),
    "consent told to nobody": (
        lambda d: d["audiences"]["vip"].update(consent={"column": "c", "allow": [True], "tell": GOOGLE}),
        "audiences.vip.consent.tell",
        True,
    ),
    "nowhere to": (lambda d: d["audiences"]["vip"].update(to=[]), "audiences.vip.to", True),
    "connector's name": (
        lambda d: d["audiences"]["vip"]["to"][0].update(connector="meta_x"),
        "audiences.vip.to[0].connector",
        True,
    ),
    "slash": (
        lambda d: d["audiences"]["vip"]["to"][0].update(audience="a/b"),
        "audiences.vip.to[0].audience",
        True,
    ),
    "account as a number": (
        lambda d: d["audiences"]["vip"]["to"][0].update(account=1234),
        "audiences.vip.to[0].account",
        True,
    ),
    "same audience twice": (
        lambda d: d["audiences"]["vip"].update(to=d["audiences"]["kangoo"]["to"]),
        "audiences.vip.to[0].audience",
        False,
    ),
    "action": (lambda d: d["audiences"]["vip"].update(action="remove"), "audiences.vip.action", True),
    "every": (lambda d: d["audiences"]["vip"].update(every="daily"), "audiences.vip.every", True),
    "too seldom": (lambda d: d["audiences"]["vip"].update(every="9999d"), "audiences.vip.every", False),
    "at": (lambda d: d["audiences"]["vip"].update(at="24:00"), "audiences.vip.at", True),
    "at as YAML 1.1 reads it": (lambda d: d["audiences"]["vip"].update(at=600), "audiences.vip.at", True),
    "timezone": (lambda d: d["audiences"]["vip"].update(timezone="Mars/Base"), "audiences.vip.timezone", False),
    "no such day": (lambda d: d["defaults"].update({"from": "2026-02-30"}), "audiences.kangoo.from", False),
    "guard": (lambda d: d["audiences"]["vip"].update(guard={"leave": 30}), "audiences.vip.guard", True),
    "id in the options": (
        lambda d: d["audiences"]["vip"]["options"].update(id="7"),
        "audiences.vip.options.id",
        False,
    ),
    "paused": (lambda d: d["audiences"]["vip"].update(paused="no"), "audiences.vip.paused", True),
    "table of a lake": (lambda d: d["tables"][0].update(source="lake"), "tables[0].source", False),
    "like nobody": (lambda d: d["tables"][0].update(like="nobody"), "tables[0].like", False),
    "unknown key in a list": (lambda d: d["tables"][0].update(rows=1), "tables[0].rows", True),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named_by_its_path_and_the_schema_agrees(case: str, document: dict[str, Any]) -> None:
    """Each mistake is found at its path, alone, and a schema finds those of shape as well."""
    edit, path, in_schema = WRONG[case]
    edit(document)
    with pytest.raises(DeclarationsError) as caught:
        read_declarations(document)
    assert any(one.startswith(f"{path}: ") for one in caught.value.mistakes), caught.value.mistakes
    assert Draft202012Validator(declarations_schema()).is_valid(document) is not in_schema


def test_what_fits_fits_the_schema(document: dict[str, Any]) -> None:
    """The schema takes what the reader takes, with and without optional keys."""
    validator = Draft202012Validator(declarations_schema())
    assert list(validator.iter_errors(document)) == []
    bare = copy.deepcopy(document)
    del bare["tables"], bare["audiences"]["vip"]
    read_declarations(bare)
    assert validator.is_valid(bare)


def test_the_schema_is_that_of_the_reader() -> None:
    """The file in docs/schemas is what the reader gives; delete it and run this test to have it written anew."""
    text = json.dumps(declarations_schema(), indent=2, ensure_ascii=False) + "\n"
    if not SCHEMA.exists():
        SCHEMA.write_text(text)
        pytest.fail(f"{SCHEMA.name} was missing and is written now")
    assert SCHEMA.read_text() == text


def test_all_mistakes_are_told_at_once_with_their_lines(path: Path) -> None:
    """Each is told with the line of its key or default, of a missing key with the line of what lacks it."""
    text = TEXT.replace("at: 10:00", "at: 10h").replace("    table: marts.vip\n", "    paused: false\n")
    path.write_text(text.replace("sql: sql/active.sql", "sql: sql/other.sql").replace("like: kangoo", "like: x"))
    with pytest.raises(DeclarationsError) as caught:
        read_file(path)
    assert [one.split(": ")[:2] for one in caught.value.mistakes] == [
        ["audiences.yml, line 9", "audiences.kangoo.at"],
        ["audiences.yml, line 14", "audiences.kangoo.sql"],
        ["audiences.yml, line 19", "audiences.vip.sql"],
        ["audiences.yml, line 30", "audiences.vip.paused"],
        ["audiences.yml, line 32", "tables[0].like"],
    ]


def test_what_stands_below_a_wrong_name_is_examined_too(path: Path) -> None:
    """A bad name of a source or an audience hides nothing that is wrong below it, and makes no use of it wrong."""
    text = TEXT.replace("cdp:", "CDP:").replace("source: cdp", "source: CDP").replace("  vip:", "  v p:")
    path.write_text(text.replace("action: replace", "action: replaec").replace('"06:30"', '"25:30"'))
    with pytest.raises(DeclarationsError) as caught:
        read_file(path)
    assert [one.split(": ")[1] for one in caught.value.mistakes] == [
        "sources.CDP",
        "audiences.v p",
        "audiences.v p.action",
        "audiences.v p.at",
    ]


def test_a_list_in_a_file_of_another_name_is_that_files_mistake(path: Path) -> None:
    """Only the file that was read is named."""
    other = path.with_name("list.yml")
    other.write_text("- 1\n")
    with pytest.raises(DeclarationsError) as caught:
        read_file(other)
    assert "list.yml: must be an object" in caught.value.mistakes
    assert "audiences.yml" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "a: [", "a: b: c", "- 1\n- 2\n", "text", "\x00", "a: &x [*x]\n", "a: !!python/none"]
)
def test_what_is_no_such_document_is_refused_with_a_sentence(path: Path, text: str) -> None:
    """A file that is empty, no YAML or no object is a mistake, and not an error of the library's."""
    path.write_text(text)
    with pytest.raises(DeclarationsError) as caught:
        read_file(path)
    assert all(one.startswith("audiences.yml") for one in caught.value.mistakes)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A path without a file says which option names another."""
    with pytest.raises(DeclarationsError, match="no such file; name it with --file"):
        read_file(tmp_path / "audiences.yml")


def test_consent_compares_as_the_connector_does(path: Path) -> None:
    """A text in `allow` is folded, and null allows blanks, as in the connectors' own consent."""
    path.write_text(TEXT.replace("allow: [true]", 'allow: ["Ja ", null]'))
    kangoo = read_file(path).declarations.audiences[0]
    assert kangoo.selection.consent == Consent("accepts_marketing", ("ja", ""))
