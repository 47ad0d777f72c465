"""What people say of a file's columns, held against the file before it is uploaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.dry_run import Content, DryRun


def check_against(run: DryRun, source: Content) -> None:
    """Map the file's header as the connector would; raises Rejected with all that is wrong."""
    from activation.errors import Rejected

    if run.located.kind.single is not None:
        raise Rejected("bad_columns", "a list of one identifier type has no columns to map")
    run.mapped(run.open(source))
