"""What ends a command, in sentences: never a traceback, never a token."""

from __future__ import annotations


class StreamError(Exception):
    """The command cannot do what it was asked; `str()` is what the user reads."""


class CredentialsError(StreamError):
    """There are no credentials, or not enough of them."""


class ApiError(StreamError):
    """The API refused; `status` is its HTTP status, 0 where no answer came."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
