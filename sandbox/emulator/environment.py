"""The laptop's AWS account number, and the environment of the emulator."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

ACCOUNT = "111122223333"  # AWS's own example number
REGION = "us-east-1"


def client_environment(endpoint_url: str) -> dict[str, str]:
    """Return what an AWS client needs to work against the emulator.

    The emulator reads a 12-digit access key as an account number and treats the caller as that account's root
    user, who may do everything, with or without IAM enforcement.
    """
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "test",  # the key with which the emulator checks a root user's signatures
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def functions_python() -> str:
    """Return the functions' version of Python, as `3.11`: that of the host."""
    return sysconfig.get_python_version()


def emulator_environment(port: int, directory: Path, *, auth: bool) -> dict[str, str]:
    """Return the emulator's whole environment, which its functions inherit: of the developer's, only PATH.

    `auth` turns IAM enforcement on.
    """
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "TMPDIR": str(directory / "tmp"),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "AUTH": "true" if auth else "false",
        "IOT_MTLS_ENABLED": "0",  # otherwise it also listens on 8883
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",  # otherwise it looks for containers to remove
        # As in Lambda; the SDK's user agent contains it, and faults use that to tell functions from other callers.
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{functions_python()}",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
