"""`activation locate` tells the file of an audience's options from drops, and from one in a wrong place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.__main__ import app


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("meta/VIP/_audience.json", "the options of its audience"),
        ("meta/VIP/raw/_audience.json", "read by nobody"),
        ("meta/_audience.json", "read by nobody"),
        ("meta/VIP/raw/.hidden", "a sidecar"),
    ],
)
def test_a_file_of_options_is_no_drop(
    key: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks is told what the file is, and where it would be read."""
    monkeypatch.chdir(tmp_path)
    answer = json.loads(CliRunner().invoke(app, ["locate", "--key", key, "--json"]).stdout)
    assert "marker" in json.dumps(answer)
    assert says in json.dumps(answer)
