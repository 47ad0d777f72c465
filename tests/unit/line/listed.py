"""People on the suppression lists of the small world, put there as an accepted drop puts them."""

from __future__ import annotations

from activation.aws.table import ConditionalTable
from activation.identifiers.digest import digests
from activation.identifiers.table import Digest
from activation.ledger.suppression_lists import SuppressionList, SuppressionRecord
from activation.suppression.current import ACCEPTED_AFTER_S
from activation.suppression.heads import cells_of
from activation.suppression.listed import Listed
from activation.suppression.store import ListStore

from tests.unit.line.world import World


def suppress(world: World, *values: str, digest: Digest = Digest.SHA256_HEX, wait: bool = True) -> None:
    """Let the lists hold these values and no others; `wait` until every worker asks them."""
    import pyarrow as pa

    record = SuppressionRecord(ConditionalTable(world.aws.dynamodb, "ledger"))
    lists, texts = record.read(), pa.array(values, pa.string())
    listed = Listed.of([cells_of(digest, digests(digest, texts)).heads()])
    stored = ListStore(world.aws.s3, "mirrors").write(f"{lists.version + 1}", "tiny", listed)
    record.write(lists, lists.with_list("no", SuppressionList({"tiny": stored}), {"tiny": stored}))
    if wait:
        world.clock.pass_s(ACCEPTED_AFTER_S)
