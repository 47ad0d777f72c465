"""Meta's error answers: code, subcode and envelope, one function per refusal.

Codes, subcodes and titles:
https://developers.facebook.com/documentation/ads-commerce/marketing-api/error-reference and
https://developers.facebook.com/docs/graph-api/guides/error-handling (read 2026-11-22). A client must not decide
by the HTTP status, which is 400 unless another was seen in public traffic, nor by the wording, which may change.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any


@dataclass
class GraphError(Exception):
    """A refusal with the envelope's contents; `type` is Meta's, and tells a client nothing."""

    code: int
    message: str
    subcode: int | None = None
    status: int = 400
    type: str | None = "OAuthException"
    user_title: str | None = None
    user_msg: str | None = None
    is_transient: bool | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def envelope(self) -> dict[str, Any]:
        """Return the JSON body; fields that Meta leaves out are left out."""
        error = {
            "message": self.message,
            "type": self.type,
            "code": self.code,
            "error_subcode": self.subcode,
            "is_transient": self.is_transient,
            "error_user_title": self.user_title,
            "error_user_msg": self.user_msg,
            # Meta's sample of the only answer without a type has no trace id either.
            "fbtrace_id": "A" + secrets.token_urlsafe(16) if self.type else None,
        }
        return {"error": {key: value for key, value in error.items() if value is not None}}


def invalid(sentence: str) -> GraphError:
    """Return the error for an invalid parameter."""
    return GraphError(100, f"(#100) {sentence}")


def missing(parameter: str) -> GraphError:
    """Return the error for a missing parameter."""
    return invalid(f"Missing parameter(s): {parameter}")


def unknown_field(name: str, node_type: str) -> GraphError:
    """Return the error for a field or edge that the node type does not have."""
    return invalid(f"Tried accessing nonexisting field ({name}) on node type ({node_type})")


def unknown_object(method: str, identifier: str) -> GraphError:
    """Return the error for an object that is missing or that the token may not see: Meta does not say which."""
    return GraphError(
        100,
        f"Unsupported {method.lower()} request. Object with ID '{identifier}' does not exist, cannot be loaded "
        "due to missing permissions, or does not support this operation. Please read the Graph API "
        "documentation at https://developers.facebook.com/docs/graph-api",
        subcode=33,
        type="GraphMethodException",
    )


def terms(subcode: int) -> GraphError:
    """Return the error for Custom Audience terms that nobody has accepted."""
    return GraphError(
        200,
        "Permissions error",
        subcode=subcode,
        is_transient=False,
        user_title="Custom Audience Terms Not Accepted",
        user_msg="To create or edit audience or ad set, please agree to the Custom Audience terms.",
    )


def flagged() -> GraphError:
    """Return the error for uploads to an audience flagged because of its name."""
    return GraphError(
        100,
        "Invalid parameter",
        subcode=1713230,
        type=None,
        user_title="Custom Audience May Not Be Used",
        user_msg="This custom audience may include information that is not permitted under Meta's terms.",
    )


REPLACE_TITLES = {
    1870145: "Audience Update In Progress",
    1870158: "Replace Session Timed Out",
    1870147: "First Batch Missing",
    1870159: "Replace Session Already Finished",
    1870148: "Something Went Wrong",
    1870144: "DFCA Size Not Supported For Replace",
}


def audience_update(subcode: int) -> GraphError:
    """Return the error for an upload that the state of the audience or its replace does not allow."""
    return GraphError(
        2650,
        "(#2650) Failed to update the custom audience",
        subcode=subcode,
        is_transient=False,
        user_title=REPLACE_TITLES[subcode],
    )


def mixed_schemas(filled_with: str, sent: str) -> GraphError:
    """Return the error for another schema style than the one the audience was first filled with."""
    return GraphError(
        2650,
        f"(#2650) The audience was created with data source FILE_IMPORTED.{filled_with}, which does not support "
        f"data source FILE_IMPORTED.{sent}.",
    )


def too_small() -> GraphError:
    """Return the error for a removal that would leave too few people."""
    return GraphError(
        200,
        "Permissions error",
        subcode=1870047,
        is_transient=False,
        user_title="Audience Size too Low",
        user_msg="Removing these people would leave the audience too small.",
    )


def not_yet(edge: str) -> GraphError:
    """Return the error for a new audience that has not reached this server yet."""
    return GraphError(803, f"(#803) Some of the aliases you requested do not exist: {edge}", status=404)


def deleted_audience() -> GraphError:
    """Return the error for an audience that was deleted."""
    return GraphError(1487366, "Custom Audience Has Been Deleted", is_transient=False)


def retired_version(newest: str) -> GraphError:
    """Return the error for a retired version, for an app that is not upgraded automatically."""
    return GraphError(
        2635,
        "(#2635) You are calling a deprecated version of the Ads API. "
        f"Please update to the latest version: {newest}.",
    )


def no_write_right() -> GraphError:
    """Return the error for a write to a disabled ad account."""
    return GraphError(2654, "(#2654) Failed to create custom audience", subcode=1713092, is_transient=False)
