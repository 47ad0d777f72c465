"""`activation audiences plan` of rows of a table, in a real PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from activation.errors import Retryable
from typer.testing import CliRunner

from cli.__main__ import app
from cli.declared import SyncDeployment
from lambdas.sync.sources import Sources
from tests.unit.extract.configured import Configured

DECLARED = {
    "sources": {"cdp": {"kind": "postgres"}},
    "audiences": {
        "customers": {
            "source": "cdp",
            "table": "customers_master",
            "paused": True,
            "columns": {"email": "email", "phone": "phone"},
            "consent": {"column": "accepts_marketing", "allow": [True]},
            "to": [{"connector": "meta-group", "audience": "none"}],
            "timezone": "UTC",
            "every": "48h",
            "at": "10:00",
            "from": "2026-12-01",
        }
    },
    "tables": [
        {
            "source": "cdp",
            "table": "cdp.facebook_configurations",
            "like": "customers",
            "audience": "CDP - {system_name}",
        }
    ],
}
CONNECTORS = [{"name": "meta-group", "platform": "meta", "account": "act_100", "accounts": ["act_200"]}]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where the settings and the file of declarations are, beside a deployed sync."""
    monkeypatch.chdir(tmp_path)
    Path("cdk.context.json").write_text(
        json.dumps({"audience_activation": {"alarms": "none", "connectors": CONNECTORS}})
    )
    Path("audiences.yml").write_text(json.dumps(DECLARED))
    monkeypatch.setattr("cli.declared.find_sync", lambda: SyncDeployment("", "", "", ()))


def plan(*names: str) -> tuple[int, dict[str, dict[str, object]], str]:
    """Return what the command ends with, its plans by their declarations, and all that it printed."""
    done = CliRunner().invoke(app, ["audiences", "plan", *names, "--json"])
    lines = [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception

    return done.exit_code, {one["declaration"]: one for one in lines if "declaration" in one}, done.output


@pytest.mark.usefixtures("here")
def test_a_row_is_planned_by_its_name(configured: Configured, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan selects what a tick would; a wrong row says why; a name of nothing is refused; nothing is written."""
    monkeypatch.setattr(Sources, "postgres", lambda _self, name: configured.access(name))
    configured.insert("kangoo", account="act_200")
    configured.insert("brio", account="999")
    code, plans, shown = plan("cdp:kangoo")
    selected = configured.world.extract(configured.declared()["cdp:kangoo"].selection)
    assert code == 0, shown
    assert plans["cdp:kangoo"]["rows"] == selected.rows
    assert str(plans["cdp:kangoo"]["key"]).startswith("meta-group/CDP - kangoo/raw/mirror/")
    code, plans, _ = plan("cdp:kangoo", "cdp:brio")
    assert (code, plans["cdp:kangoo"]["refused"]) == (1, None)
    assert plans["cdp:brio"]["refused"]["code"] == "account_not_served"  # type: ignore[index]  # an object of JSON
    assert configured.column("brio", "error_log", "sync_status") == (None, "pending")
    code, plans, shown = plan("cdp:nobody")
    assert (code, plans) == (1, {})
    assert "declares no cdp:nobody; declared are cdp:kangoo, customers" in " ".join(shown.split())


@pytest.mark.usefixtures("here")
def test_a_table_that_cannot_be_read_is_what_its_rows_plans_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may be that of a row which cannot be read now; the file's own declarations need no table."""

    def unreachable(*_: object) -> None:
        raise Retryable("source_unreachable", "the database did not answer")

    monkeypatch.setattr(Sources, "postgres", unreachable)
    code, plans, _ = plan("cdp:kangoo")
    assert (code, plans["cdp:kangoo"]["refused"]["code"]) == (1, "source_unreachable")  # type: ignore[index]  # an object of JSON
