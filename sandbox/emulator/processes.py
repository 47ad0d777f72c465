"""The functions' processes: AWS's runtime packages only, no network, layers unpacked once, the processes' state.

The emulator runs a function with its own interpreter, so everything in the developer's environment could be
imported, and a layer missing from a template would go unnoticed. Here functions run in a separate environment with
only the packages of Lambda's Python runtime, in which no connection leaves this machine.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import shutil
import sysconfig
import tempfile
import threading
import time
import venv
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

from ministack.core import lambda_runtime

from sandbox import loopback
from sandbox.emulator.hook import Function, Hook, Table

_BINARY = Hook("ministack.core.lambda_runtime", "_detect_runtime_binary", ("runtime",))
_MEMORY = Hook("ministack.services.lambda_svc", "_probe_peak_memory_mb", ("func",))
_WORKERS = Table("ministack.core.lambda_runtime", "_workers")

HOOKS: tuple[Hook | Table, ...] = (_BINARY, _MEMORY, _WORKERS)

# What Lambda's Python runtime contains besides the standard library: the SDK and its dependencies.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html#python-sdk-included (read 2026-11-22)
RUNTIME_PACKAGES = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")

_KEPT_S = 7 * 24 * 3600.0


def install(directory: Path) -> None:
    """Run functions from an environment built under `directory`, which also keeps unpacked archives."""
    python = build_runtime(directory / "runtime")
    unpacked = directory / "unpacked"
    unpacked.mkdir(parents=True, exist_ok=True)
    _forget_old(unpacked)
    _BINARY.replace(lambda original: _with_python(original, python))
    _MEMORY.replace(_measured)
    lambda_runtime.zipfile = _zipfile_keeping(unpacked)


def _forget_old(unpacked: Path) -> None:
    """Delete archives that no function was started from for a week: each change of the code leaves one behind."""
    for archive in unpacked.iterdir():
        if time.time() - archive.stat().st_mtime > _KEPT_S:
            shutil.rmtree(archive, ignore_errors=True)


def build_runtime(directory: Path) -> Path:
    """Build the functions' environment from links to the installed RUNTIME_PACKAGES; return its interpreter."""
    shutil.rmtree(directory, ignore_errors=True)
    venv.EnvBuilder(symlinks=True, with_pip=False).create(directory)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(directory)}))
    for name in RUNTIME_PACKAGES:
        distribution = importlib.metadata.distribution(name)
        for top in sorted({file.parts[0] for file in distribution.files or () if file.parts[0] not in _NOT_CODE}):
            source = Path(str(distribution.locate_file(top)))
            if source.exists():
                (site / top).symlink_to(source)
    (site / f"{_LOOPBACK}.py").symlink_to(Path(loopback.__file__))
    # Python runs such a line at its start. A sitecustomize.py might be hidden by one of the system's.
    (site / f"{_LOOPBACK}.pth").write_text(f"import {_LOOPBACK}; {_LOOPBACK}.activate()\n")
    return directory / "bin" / "python"


_LOOPBACK = "loopback_only"
_NOT_CODE = frozenset({"..", "__pycache__"})


def _with_python(original: Function, python: Path) -> Function:
    def detect(runtime: str) -> tuple[str, str]:
        binary, script = original(runtime)
        return (str(python) if runtime.startswith("python") else binary), script

    return detect


def _zipfile_keeping(directory: Path) -> ModuleType:
    """Return a stand-in for the module `zipfile` that unpacks each archive once and links to it afterwards.

    Otherwise every new process of a function unpacks its code and layers; with pyarrow in a layer that is 85 MB
    and more than a second each time, and Python compiles it anew each time.
    """
    unpacking = threading.Lock()  # functions that start together share layers: one unpacks, the others wait

    class KeptZipFile(zipfile.ZipFile):
        _kept: Path | None = None

        def __init__(self, file: Any, *arguments: Any, **named: Any) -> None:
            if isinstance(file, str):
                with Path(file).open("rb") as archive:
                    self._kept = directory / hashlib.file_digest(archive, "sha256").hexdigest()
            if self._is_unpacked:  # its list of members is not even read
                self.fp, self.filename = None, file
                return
            super().__init__(file, *arguments, **named)

        @property
        def _is_unpacked(self) -> bool:
            return self._kept is not None and self._kept.exists()

        def namelist(self) -> list[str]:
            """Return the members whose paths the emulator is to check, with three system calls and more for each.

            There are thousands in a layer; those of an archive that is unpacked were checked before it was.
            """
            return [] if self._is_unpacked else super().namelist()

        def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
            if self._kept is None:
                super().extractall(path, members, pwd)
                return
            with unpacking:
                if not self._kept.exists():
                    making = Path(tempfile.mkdtemp(dir=directory))
                    super().extractall(making)
                    making.rename(self._kept)
            os.utime(self._kept)
            for entry in self._kept.iterdir():
                (Path(path or ".") / entry.name).symlink_to(entry)

    stand_in = ModuleType("zipfile")
    # The emulator catches a LargeFileError, which the module has under another name: without it any failure to
    # unpack a layer would read "module 'zipfile' has no attribute 'LargeFileError'".
    stand_in.__dict__.update(vars(zipfile), ZipFile=KeptZipFile, LargeFileError=zipfile.LargeZipFile)
    return stand_in


def peak_memory_bytes(pid: int) -> int | None:
    """Return the peak resident memory of a process, None if the system does not report it."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _measured(original: Function) -> Function:
    """Report the function's own peak; the emulator reports the largest of all its children."""

    def probe(func: dict[str, Any]) -> int:
        name = (func.get("config") or func).get("FunctionName")
        peaks = [worker["peak_memory_bytes"] or 0 for worker in workers() if worker["function"] == name]
        return max(peaks) // 2**20 if any(peaks) else int(original(func))

    return probe


def workers() -> list[dict[str, Any]]:
    """List the running function processes: name, process id, whether a call is in flight, peak memory."""
    with lambda_runtime._lock:
        pools = [list(pool) for pool in lambda_runtime._workers.values()]
    listed = []
    for worker in (one for pool in pools for one in pool):
        process = worker._proc
        if process is not None and process.poll() is None:
            listed.append(
                {
                    "function": worker.config.get("FunctionName", ""),
                    "pid": process.pid,
                    "in_flight": bool(worker.in_use),
                    "peak_memory_bytes": peak_memory_bytes(process.pid),
                }
            )
    return listed
