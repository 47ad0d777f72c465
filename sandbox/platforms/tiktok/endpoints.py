"""The endpoints of a customer-file client: upload, create, update, list, get and delete.

https://business-api.tiktok.com/portal/docs?id=1739940567842818 (upload) and
https://business-api.tiktok.com/portal/docs?id=1739940570793985 (create);
field rules from https://github.com/tiktok/tiktok-business-api-sdk (yml_files); read 2026-11-22.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.platforms.tiktok.audiences import CUSTOMER_FILE, Audience
from sandbox.platforms.tiktok.errors import NOT_EDITABLE, NOT_THERE, TikTokError, missing, parameter
from sandbox.platforms.tiktok.fields import Fields
from sandbox.platforms.tiktok.files import ALIASES, CREATE_TYPES, Contents, File, check_upload
from sandbox.platforms.tiktok.settings import READ_SCOPE, WRITE_SCOPE
from sandbox.platforms.tiktok.world import World

MOST_FILES, PATH_CHARACTERS, NAME_CHARACTERS, MOST_IDS = 500, 16, 128, 100
SUB_TYPES = ("NORMAL", "REACH_FREQUENCY")
ACTIONS = ("APPEND", "REMOVE", "REPLACE")


@dataclass
class Upload:
    """The file part of a call, if there is one. `read` returns its identifiers, parsed on the first call."""

    name: str
    data: bytes
    read: Callable[[], Contents]


@dataclass
class TikTokCall:
    """One call as the endpoints see it; `applied`, `rows`, `digest` and `note` are for the journal."""

    world: World
    advertiser_id: str
    fields: Fields
    upload: Upload | None
    applied: bool = False
    rows: int = 0
    digest: str = ""
    note: dict[str, str | int | bool | None] | None = None


def upload_file(call: TikTokCall) -> dict[str, Any]:
    """POST /dmp/custom_audience/file/upload/."""
    signature = call.fields.text("file_signature")
    calculate_type = call.fields.text("calculate_type")
    if call.upload is None:
        raise missing("file")
    limit = call.world.settings.max_file_bytes
    check_upload(call.upload.data, call.upload.name, signature, calculate_type, limit)
    contents = call.upload.read()
    file = call.world.keep(call.advertiser_id, contents)
    call.applied, call.rows = True, contents.rows
    call.note = {"file_path": file.path, "calculate_type": calculate_type, "bytes": len(call.upload.data)}
    return {"file_path": file.path}


def create(call: TikTokCall) -> dict[str, Any]:
    """POST /dmp/custom_audience/create/: names are not unique, so a repetition creates a second audience."""
    name = call.fields.text("custom_audience_name", most=NAME_CHARACTERS)
    calculate_type = call.fields.choice("calculate_type", CREATE_TYPES)
    sub_type = call.fields.choice("audience_sub_type", SUB_TYPES, "NORMAL")
    days = call.fields.whole("retention_in_days", None, 1, 365)
    files = _files(call)
    if files is None:
        raise missing("file_paths")
    _same_type(files, calculate_type)
    own = [one for one in call.world.of_advertiser(call.advertiser_id) if one.is_creator]
    if len(own) >= call.world.settings.max_audiences:
        raise parameter(f"The number of audiences has reached the limit of {call.world.settings.max_audiences}.")
    audience = call.world.create(
        call.advertiser_id, name, calculate_type, audience_sub_type=sub_type, retention_days=days
    )
    members: dict[bytes, None] = {}
    for file in files:
        members |= file.contents.identifiers
    call.world.process(audience, "create", members, files)
    _note(call, audience, "CREATE", files)
    return {"custom_audience_id": audience.id}


def update(call: TikTokCall) -> dict[str, Any]:
    """POST /dmp/custom_audience/update/: without an action, the files replace the members."""
    audience_id = call.fields.text("custom_audience_id")
    name = call.fields.optional_text("custom_audience_name", most=NAME_CHARACTERS)
    action = call.fields.choice("action", ACTIONS, "REPLACE")
    sub_type = call.fields.values.get("audience_sub_type")
    files = _files(call)
    audience = call.world.audiences.get(audience_id)
    if audience is None or audience.advertiser_id != call.advertiser_id:
        raise parameter("Parameter error: invalid audience ID")
    if audience.audience_type != CUSTOMER_FILE or not audience.is_creator:
        raise parameter("Only Customer File audiences of your own can be updated.")
    if not call.world.view(audience).valid:
        raise parameter(NOT_EDITABLE)
    if sub_type is not None:
        return _update_sub_type(call, audience)
    if files is None and name is None:
        raise missing("file_paths or custom_audience_name")
    if files is not None:
        _same_type(files, audience.calculate_type)
        call.world.process(audience, action.lower(), _changed(call, audience, action, files), files)
    if name is not None:
        audience.name = name
    _note(call, audience, action, files or [])
    return {}


def _update_sub_type(call: TikTokCall, audience: Audience) -> dict[str, Any]:
    """Change the sub type; all other fields are ignored."""
    wanted = call.fields.choice("audience_sub_type", SUB_TYPES)
    if wanted == "NORMAL" and audience.audience_sub_type != "NORMAL":
        raise parameter("audience_sub_type: only NORMAL can be changed, to REACH_FREQUENCY.")
    audience.audience_sub_type = wanted
    _note(call, audience, "SUB_TYPE", [])
    return {}


def _changed(call: TikTokCall, audience: Audience, action: str, files: list[File]) -> dict[bytes, None]:
    members = {} if action == "REPLACE" else dict(audience.members)
    for file in files:
        if action == "REMOVE":
            for one in file.contents.identifiers:
                members.pop(one, None)
        else:
            members |= file.contents.identifiers
    grown = len(members) - len(audience.members)
    size = len(members) if audience.forced_size is None else audience.forced_size + grown
    if size < call.world.settings.min_size:
        raise parameter(f"The audience size after the update is less than {call.world.settings.min_size}.")
    return members


def _files(call: TikTokCall) -> list[File] | None:
    paths = call.fields.texts("file_paths", MOST_FILES)
    if paths is None:
        return None
    if any(len(path) != PATH_CHARACTERS for path in paths):
        raise parameter(f"file_paths: Each must have {PATH_CHARACTERS} characters.")
    return [call.world.file(call.advertiser_id, path) for path in paths]


def _same_type(files: list[File], calculate_type: str) -> None:
    if any(file.contents.calculate_type != ALIASES.get(calculate_type, calculate_type) for file in files):
        raise parameter("calculate_type: it is not the one the files were uploaded with.")


def _note(call: TikTokCall, audience: Audience, action: str, files: list[File]) -> None:
    digests = "\n".join(file.contents.digest for file in files)
    call.applied, call.rows = True, sum(file.contents.rows for file in files)
    call.digest = hashlib.sha256(digests.encode()).hexdigest() if files else ""
    call.note = {"audience_id": audience.id, "action": action, "files": len(files)}


def list_audiences(call: TikTokCall) -> dict[str, Any]:
    """GET /dmp/custom_audience/list/: own and shared audiences, of every type."""
    page = call.fields.whole("page", 1, 1, None) or 1
    size = call.fields.whole("page_size", 10, 1, 100) or 10
    wanted = call.fields.texts("custom_audience_ids", MOST_IDS)
    found = [one for one in call.world.of_advertiser(call.advertiser_id) if wanted is None or one.id in wanted]
    shown = found[(page - 1) * size : page * size]
    return {
        "list": [call.world.view(one).listed() for one in shown],
        "page_info": {
            "page": page,
            "page_size": size,
            "total_number": len(found),
            "total_page": -(-len(found) // size),
        },
    }


def get_audiences(call: TikTokCall) -> dict[str, Any]:
    """GET /dmp/custom_audience/get/: the only answer that shows lost rows, long after the call that sent them."""
    wanted = call.fields.texts("custom_audience_ids", MOST_IDS)
    if wanted is None:
        raise missing("custom_audience_ids")
    history = call.fields.whole("history_size", 100, 1, 100) or 100
    own = {one.id: one for one in call.world.of_advertiser(call.advertiser_id)}
    return {"list": [call.world.view(own[one]).detailed(history) for one in wanted if one in own]}


def delete(call: TikTokCall) -> dict[str, Any]:
    """POST /dmp/custom_audience/delete/: all of them, or none if one does not exist."""
    wanted = call.fields.texts("custom_audience_ids", MOST_IDS)
    if wanted is None:
        raise missing("custom_audience_ids")
    own = {one.id for one in call.world.of_advertiser(call.advertiser_id)}
    if not set(wanted) <= own:
        raise TikTokError(NOT_THERE, "The operation/object does not exist.")
    for one in wanted:
        call.world.audiences.pop(one, None)
    call.applied, call.note = True, {"action": "DELETE", "audiences": len(wanted)}
    return {}


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: its method, the scope it needs, and its function."""

    method: str
    scope: int
    run: Callable[[TikTokCall], dict[str, Any]]


PREFIX = "/open_api/v1.3/dmp/custom_audience/"
ENDPOINTS = {
    f"{PREFIX}file/upload/": Endpoint("POST", WRITE_SCOPE, upload_file),
    f"{PREFIX}create/": Endpoint("POST", WRITE_SCOPE, create),
    f"{PREFIX}update/": Endpoint("POST", WRITE_SCOPE, update),
    f"{PREFIX}delete/": Endpoint("POST", WRITE_SCOPE, delete),
    f"{PREFIX}list/": Endpoint("GET", READ_SCOPE, list_audiences),
    f"{PREFIX}get/": Endpoint("GET", READ_SCOPE, get_audiences),
}
