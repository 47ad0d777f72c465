"""Where Arrow's buffers come from."""

from __future__ import annotations

import os
import subprocess
import sys

import pyarrow as pa
import pytest
from activation.buffers import from_mimalloc

from stacks.wheels import ALLOCATOR

PRINTS = """
import pyarrow as pa
from activation.buffers import from_mimalloc
import lambdas.meta.handler
print(pa.default_memory_pool().backend_name)
with from_mimalloc():
    print(pa.default_memory_pool().backend_name)
print(pa.default_memory_pool().backend_name)
"""


def test_a_connector_takes_mimalloc_for_a_comparison_alone() -> None:
    """A connector's buffers come from malloc, those of a comparison from mimalloc."""
    done = subprocess.run(
        [sys.executable, "-c", PRINTS],
        env={**os.environ, **ALLOCATOR, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["system", "mimalloc", "system"]


def test_a_comparison_that_fails_gives_the_pool_back() -> None:
    """After an error in a comparison, buffers come from where they came before."""
    before = pa.default_memory_pool().backend_name
    with pytest.raises(ValueError, match="damaged"), from_mimalloc():
        raise ValueError("damaged")
    assert pa.default_memory_pool().backend_name == before
