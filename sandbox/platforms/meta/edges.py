"""The edges: what each method does, and who may use it."""

from __future__ import annotations

from sandbox.platforms.meta import account_edges, audience_edges
from sandbox.platforms.meta.audiences import Audience
from sandbox.platforms.meta.calls import ACTIVE, Edge
from sandbox.platforms.meta.errors import (
    GraphError,
    deleted_audience,
    no_write_right,
    terms,
    unknown_object,
)
from sandbox.platforms.meta.settings import Account, Token
from sandbox.platforms.meta.world import World

ACCOUNT_EDGES: dict[tuple[str, str], Edge] = {
    ("GET", ""): account_edges.read_account,
    ("GET", "customaudiences"): account_edges.list_audiences,
    ("POST", "customaudiences"): account_edges.create_audience,
    ("DELETE", "usersofanyaudience"): account_edges.forget_people,
}
AUDIENCE_EDGES: dict[tuple[str, str], Edge] = {
    ("GET", ""): audience_edges.read_audience,
    ("POST", ""): audience_edges.update_audience,
    ("DELETE", ""): audience_edges.delete_audience,
    ("GET", "sessions"): audience_edges.read_sessions,
    ("POST", "users"): audience_edges.add_users,
    ("DELETE", "users"): audience_edges.remove_users,
    ("POST", "usersreplace"): audience_edges.replace_users,
}


def find_audience(world: World, method: str, node: str) -> Audience:
    """Return the audience a call names; raises GraphError if it is unknown or was deleted."""
    audience = world.audiences.get(node)
    if audience is None:
        raise unknown_object(method, node)
    if audience.deleted:
        raise deleted_audience()
    return audience


def check_rights(method: str, token: Token, account: Account, node: str) -> None:
    """Raise GraphError for what the token, the account or its terms do not allow."""
    if token.accounts is not None and account.id not in token.accounts:
        raise unknown_object(method, node)
    if method == "GET":
        if not {"ads_management", "ads_read"} & set(token.permissions):
            sentence = "(#200) Ad account owner has NOT grant ads_management or ads_read permission"
            raise GraphError(200, sentence, status=403)
        return
    if "ads_management" not in token.permissions:
        raise GraphError(
            294,
            "Managing advertisements requires an access token with the extended permission for ads_management",
            type="GraphMethodException",
        )
    if account.account_status != ACTIVE:
        raise no_write_right()
    if not account.terms_accepted:
        raise terms(account.terms_subcode)
