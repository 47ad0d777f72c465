"""The sample that `activation test` sends: invented people, as a connector's settings want them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from activation.row_rule import RowRule

    from cli.connectors import NamedConnector

# Enough for every platform, and ASCII, so that any encoding a connector declares is right.
COLUMNS = ("email", "phone", "country")


def sample_file(platform: str) -> Path:
    """Return the sample of a platform: in a checkout beside the command, in an installed command within it."""
    here = Path(__file__).resolve().parent
    installed = here / "samples"
    return (installed if installed.exists() else here.parent / "samples") / platform / "people.csv"


def sample_of(connector: NamedConnector) -> tuple[bytes, int]:
    """Return a sample file for a connector and its rows.

    It has the connector's delimiter and, where rows need consent or must not be deleted at their source, the
    columns that say so. Raises FileNotFoundError for a platform without a sample.
    """
    with sample_file(connector.platform.name).open(encoding="utf-8", newline="") as file:
        people = [[one[name] for name in COLUMNS] for one in csv.DictReader(file)]
    rules = [rule for rule in (_rule(connector, "consent"), _rule(connector, "operation")) if rule]
    delimiter = str(connector.settings.get("delimiter") or ",")
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t" if delimiter == "tab" else delimiter, lineterminator="\n")
    writer.writerow([*COLUMNS, *(rule.column for rule in rules)])
    writer.writerows([*person, *(rule.allow[0] for rule in rules)] for person in people)
    return text.getvalue().encode(), len(people)


def _rule(connector: NamedConnector, name: str) -> RowRule | None:
    from activation.identifiers.row_rules import read_rule

    given = connector.settings.get(name)
    rule = read_rule(given) if given else None
    return rule if rule and rule.allow else None
