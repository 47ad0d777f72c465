"""Wheel layers: pinned wheels for Lambda's platform, pruned of what no function imports, compiled, built once."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from uv import find_uv_bin

from stacks.compiled import compile_modules, interpreter
from stacks.settings import Wheels

# uv's names of the wheels' target; Lambda's Python 3.12 and later run on Amazon Linux 2023, with glibc 2.34:
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, read 2026-11-22.
TARGETS = {
    ("arm64", "linux"): "aarch64-manylinux_2_28",
    ("x86_64", "linux"): "x86_64-manylinux_2_28",
    ("arm64", "linux-laptop"): "aarch64-manylinux_2_28",
    ("x86_64", "linux-laptop"): "x86_64-manylinux_2_28",
    ("arm64", "macos"): "aarch64-apple-darwin",
    ("x86_64", "macos"): "x86_64-apple-darwin",
}

# The environment of a function that uses Arrow. The buffers of Arrow's own readers come from mimalloc, which
# gives back what has not been used for 50 ms: with a longer delay a mirror's comparison needs more than 256 MB,
# and with a shorter one it takes a third longer. Everything else comes from malloc (`activation/buffers.py` says
# why), which has two arenas instead of eight for each processor, so that what one thread frees the next one
# takes: a worker's peak is a fifth lower at the same CPU time. malloc's thresholds are left alone: with 32 MB kept
# in the arenas, TikTok's files took a tenth less CPU time, and with a million people listed a worker for Meta 267
# MB instead of 240. All are read when the process starts, on Linux.
# jemalloc would serve both, but PyPI's pyarrow for arm64 has none.
# https://arrow.apache.org/docs/cpp/env_vars.html and https://man7.org/linux/man-pages/man3/mallopt.3.html, read
# 2026-11-29; https://microsoft.github.io/mimalloc/environment.html, read 2026-11-30.
ALLOCATOR = {
    "ARROW_DEFAULT_MEMORY_POOL": "mimalloc",
    "MIMALLOC_PURGE_DELAY": "50",
    "MIMALLOC_ARENA_PURGE_MULT": "1",
    "MALLOC_ARENA_MAX": "2",
}

# Globs below a layer's `python` folder.
PRUNED = {
    "arrow": (
        "pyarrow/tests",
        "pyarrow/include",
        "pyarrow/includes",
        "pyarrow/src",
        "pyarrow/**/*.pxd",
        "pyarrow/**/*.pxi",
        "pyarrow/**/*.pyx",
        # Each of Arrow's Python libraries has three names; the loader uses the middle one,
        # libarrow_python.so.2600.
        "pyarrow/libarrow*.so",
        "pyarrow/libarrow*.so.*.*.*",
        # libarrow_python is linked against the acero, dataset and substrait libraries: those stay, even though the
        # modules that use substrait are removed. Without those of dataset, ADBC takes Arrow to be absent.
        "pyarrow/*flight*",
        "pyarrow/libarrow_s3*",
        "pyarrow/_s3fs*",
        "pyarrow/_azurefs*",
        "pyarrow/_gcsfs*",
        "pyarrow/_hdfs*",
        "pyarrow/_substrait*",
        "pyarrow/_dataset_orc*",
        "pyarrow/*orc*",
        "pyarrow/*parquet_encryption*",
        "pyarrow/_pyarrow_cpp_tests*",
    ),
    "vendor": (
        # Numbering plans only: no places, carriers or time zones.
        "phonenumbers/geodata",
        "phonenumbers/carrierdata",
        "phonenumbers/tzdata",
        "phonenumbers/**/*.pyi",
        "pycountry/locales",
        "pycountry/tests",
    ),
}

# Files an installer writes about where and when it ran.
_TRACES = ("*.dist-info/RECORD", "*.dist-info/direct_url.json", "*.dist-info/INSTALLER", "bin", ".lock")


class WheelsError(Exception):
    """The wheels of a layer could not be fetched; the text is the installer's own."""


def layer_key(requirements: Path, wheels: Wheels) -> str:
    """Return 32 hex digits that identify a layer's content: its pins with hashes, target, pruning, if compiled."""
    parts = [
        requirements.read_text(),
        TARGETS[wheels.architecture, wheels.system],
        wheels.python,
        json.dumps([PRUNED.get(requirements.parent.name, ()), _TRACES]),
        "compiled" if interpreter(wheels.python) else "",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def build_layer(requirements: Path, wheels: Wheels, cache: Path) -> Path:
    """Return the folder of the layer that `requirements` pins, building it unless `cache` has it.

    Only the first build needs the package index. Raises WheelsError when a pin has no wheel for the target, a
    hash does not match, or the index cannot be reached.
    """
    name = requirements.parent.name
    built = cache / f"{name}-{layer_key(requirements, wheels)}"
    if built.is_dir():
        return built
    cache.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=cache, prefix=f".{name}-"))
    try:
        _install(requirements, wheels, scratch / "python")
        _prune(scratch / "python", name)
        compile_modules(scratch / "python", wheels.python)
        scratch.chmod(0o755)  # mkdtemp makes a private folder; Lambda's own user must be able to read the layer
        scratch.rename(built)
    except OSError:
        if not built.is_dir():  # else another synth was faster
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return built


def _install(requirements: Path, wheels: Wheels, folder: Path) -> None:
    done = subprocess.run(
        [
            find_uv_bin(), "pip", "install", "--quiet", "--no-config",
            "--target", folder,
            "--python-platform", TARGETS[wheels.architecture, wheels.system],
            "--python-version", wheels.python,
            "--only-binary", ":all:",
            "--require-hashes",
            "--no-deps",  # the pins are complete except for what Lambda's runtime contains
            "--link-mode", "copy",  # copied, since pruning must not change uv's cache
            "--requirement", requirements,
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise WheelsError(f"{requirements}: no wheels for {wheels}\n{done.stderr.strip()}")


def _prune(folder: Path, name: str) -> None:
    for pattern in (*PRUNED.get(name, ()), *_TRACES):
        for path in folder.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
