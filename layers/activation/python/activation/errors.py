"""Three errors, named for what the caller does next, and what a log may say of any other."""

from __future__ import annotations

from pathlib import Path


class ActivationError(Exception):
    """An error with a stable code and a sentence for the operator; neither ever holds a value or a token."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


class Retryable(ActivationError):
    """The same work may succeed later, not before `after_s` seconds from now."""

    def __init__(self, code: str, sentence: str, *, after_s: float = 30.0) -> None:
        super().__init__(code, sentence)
        self.after_s = after_s


class Rejected(ActivationError):
    """The drop can never succeed as it is: bad key, bad file, or refused by the platform for good."""


class ConfigError(ActivationError):
    """A person has to act first (secret, terms, permission, settings): stop, and keep the work for a redrive."""


def where(error: BaseException) -> str:
    """Return the module and line that raised, for a log, as an error's own text may hold a value."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
