"""Whether an audience is one that a mirror fills, asked before a file is uploaded for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activation.aws.table import ConditionalTable
from activation.errors import ActivationError, Rejected
from activation.ledger.keys import audience_key
from activation.mirror.states import MirrorStates
from activation.model import Action, Audience
from activation.runs.mirror_audience import is_mirrored
from activation.runs.mirror_guard import ADDING, mirrored

if TYPE_CHECKING:
    from cli.connectors import NamedConnector
    from cli.deployment import Deployment


def mirrored_refusal(found: Deployment, named: NamedConnector, audience: Audience) -> Rejected | None:
    """Return why a run would refuse people for an audience that a mirror fills; None if it would not.

    None also where our AWS identity may not read the ledger, as one that only uploads, and where it has no key of
    the audience: then the run decides.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from cli.known_audiences import known_audiences

    platform = named.platform
    if audience.action not in ADDING or Action.MIRROR not in platform.limits.actions:
        return None
    if named.name not in found.connectors:
        return None
    account = platform.account.canonical(str(named.settings.get("account") or ""))
    try:
        if account:
            table = ConditionalTable(boto3.client("dynamodb"), found.ledger_table)
            states = [MirrorStates(table).read(audience_key(platform.name, account, audience.name))]
        else:
            known = known_audiences(found.ledger_table, platform=platform.name, name=audience.name)
            states = [one.state for one in known] if len(known) == 1 else []
    except (ActivationError, ClientError, BotoCoreError):
        return None
    return mirrored(named.name, audience.name) if any(map(is_mirrored, states)) else None
