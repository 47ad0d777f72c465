"""The errors that end a command, as sentences: never a traceback, never a token."""

from __future__ import annotations


class StreamError(Exception):
    """The command cannot do what was requested; `str()` is the sentence for the user."""


class CredentialsError(StreamError):
    """Credentials are missing or incomplete."""


class ApiError(StreamError):
    """The API refused; `status` is its HTTP status, 0 where no answer came."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
