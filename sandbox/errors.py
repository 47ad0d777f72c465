"""Errors of the sandbox, as sentences for its user."""

from __future__ import annotations


class SandboxError(Exception):
    """The sandbox cannot start or does not exist; the text says why and what to do."""
