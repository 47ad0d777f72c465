"""Treat requests as sent over TLS, so that policies against plain HTTP allow the laptop's requests."""

from __future__ import annotations

from sandbox.emulator.hook import Function, Hook

_ORIGIN = Hook("ministack.app", "pin_request_origin", ("source_ip", "secure_transport"))

HOOKS = (_ORIGIN,)


def install() -> None:
    """Mark the transport as secure for the policy evaluation, which only runs with IAM enforcement on."""
    _ORIGIN.replace(_as_tls)


def _as_tls(original: Function) -> Function:
    def pin(source_ip: str, secure_transport: bool) -> None:
        original(source_ip, secure_transport or source_ip == "127.0.0.1")

    return pin
