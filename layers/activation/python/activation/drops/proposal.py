"""The mapping that a refusal proposes, as text to paste into the settings or append to a command."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping

# Between double quotes these mean something to a shell.
_SPECIAL = re.compile(r"[\"$`\\!]")


def proposed_mapping(columns: Mapping[str, str]) -> str:
    """Return how to say what columns are: the settings' `columns` and the option `--map`, ready to paste.

    `columns` maps a column's name, as it may be shown, to the field that it seems to fill ("email", "phone"). The
    text is a clause without a full stop; "" for no column.
    """
    if not columns:
        return ""
    options = " ".join(f"--map {_quoted(f'{name}={field}')}" for name, field in columns.items())
    settings = json.dumps(dict(columns), ensure_ascii=False)
    return f'set "columns": {settings} for the connector in the settings, or repeat the command with {options}'


def _quoted(text: str) -> str:
    return shlex.quote(text) if _SPECIAL.search(text) else f'"{text}"'
