"""A call's parameters, from wherever the client put them: query, form, multipart form or a JSON body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from sandbox.platforms.meta.errors import GraphError, invalid
from sandbox.platforms.meta.hashed_rows import loads

if TYPE_CHECKING:
    from starlette.requests import Request


class Parameters:
    """Names and values; an object or list may come as JSON or as JSON text."""

    def __init__(self, values: dict[str, Any], problem: GraphError | None = None) -> None:
        self._values = values
        self.problem = problem

    @classmethod
    async def of(cls, request: Request) -> Parameters:
        """Read all parameters; a mistake is kept as `problem`, to be answered after the token is checked."""
        values: dict[str, Any] = dict(request.query_params)
        body = await request.body()
        if encoding := request.headers.get("content-encoding"):
            # No public page says that Meta accepts compressed bodies, so a client that sends them would not be
            # proven here.
            return cls(values, invalid(f"Content-Encoding {encoding} is not supported"))
        try:
            values.update(await _body_values(request, body))
        except ValueError:
            return cls(values, invalid("The request's body could not be read"))
        return cls(values)

    def text(self, name: str) -> str | None:
        """Return a parameter as text, None when it was not sent."""
        value = self._values.get(name)
        if value is None or isinstance(value, str):
            return value
        return orjson.dumps(value, default=list).decode()

    def decoded(self, name: str) -> Any:
        """Return a parameter that is an object, a list, a number or a bool; refuses text that is not JSON."""
        return _loaded(name, self._values.get(name))

    def objects(self, name: str) -> Any:
        """Return a parameter that is a list of objects; each may be JSON text, as Meta's own SDK writes them."""
        listed = self.decoded(name)
        return [_loaded(name, one) for one in listed] if isinstance(listed, list) else listed

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a bool, in any spelling Graph accepts."""
        value = self._values.get(name)
        if value is None:
            return default
        if str(value).lower() in ("true", "1"):
            return True
        if str(value).lower() in ("false", "0"):
            return False
        raise invalid(f"Param {name} must be a boolean")

    def whole(self, name: str) -> int | None:
        """Return a whole number, None when it was not sent."""
        value = self._values.get(name)
        if value is None:
            return None
        try:
            return int(str(value))
        except ValueError:
            raise invalid(f"Param {name} must be an integer") from None


def _loaded(name: str, value: Any) -> Any:
    """Return a value, decoded if it is text."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except ValueError:
        raise invalid(f"Param {name} must be valid JSON") from None


async def _body_values(request: Request, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        values = loads(body)
        if not isinstance(values, dict):
            raise ValueError("not an object")
        return values
    if kind == "multipart/form-data":
        form = await request.form()
        return {name: value for name, value in form.multi_items() if isinstance(value, str)}
    return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True))
