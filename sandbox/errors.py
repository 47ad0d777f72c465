"""What goes wrong with a sandbox, in a sentence for the person at the keyboard."""

from __future__ import annotations


class SandboxError(Exception):
    """The sandbox cannot come up or is not there; the text says why and what to do."""
