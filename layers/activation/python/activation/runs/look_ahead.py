"""The audience of an export of the app's own, looked for while its files are opened."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from activation.model import Action
from activation.pipeline.client import PlatformClient
from activation.runs.invocation import Invocation


def looking_ahead(invocation: Invocation, client: PlatformClient) -> AbstractContextManager[None]:
    """Return a block in which a thread asks the platform for the audience of a run that begins.

    Between an export's manifest and its first rows lie several reads of S3, which take about as long as the
    platform's answer. Any other folder may turn out to be unusable, and must cost no call to the platform. A later
    invocation knows the audience.
    """
    run, listing = invocation.held.run, invocation.listing
    is_own = listing is not None and listing.export is not None and bool(listing.export.declaration)
    begins = run.opened is None and run.progress.mirror is None and not run.progress.checkpoint.cursor.row
    if not is_own or not begins:
        return nullcontext()
    # As for a removal, which never creates an audience and so only reads.
    wanted = replace(invocation.audience, action=Action.REMOVE)
    return client.looking_ahead(client.publisher.open(wanted, ()))
