"""What a Glue job of this project is made of, built without Docker: one archive of wheels, one of our own source.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-libraries.html has the form of the first in
its appendix A, as public tools quote it (read 2026-11-30): `NAME.gluewheels.zip` holds `wheels/requirements.txt`
and the wheels beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stacks.wheels import WheelsError

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(".cache", "glue")
REQUIREMENTS = Path("glue_scripts", "requirements.txt")
# The Python of each version of Glue (https://docs.aws.amazon.com/glue/latest/dg/release-notes.html, read
# 2026-11-29). Both run on Amazon Linux 2023 (glibc 2.34) on x86_64.
PYTHONS = {"5.1": "3.11", "6.0": "3.13"}
DEFAULT_VERSION = "5.1"
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64")
# Of the functions the job reads what the platforms' fields are; what these import is theirs to know.
_SOURCE = (("layers/activation/python", "activation/**/*"), (".", "glue_scripts/**/*.py"), (".", "lambdas/*/*.py"))
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content gives the same archive


@dataclass(frozen=True)
class GlueAssets:
    """The job's two archives."""

    wheels: Path
    source: Path


def glue_assets(glue_version: str, root: Path = ROOT) -> GlueAssets:
    """Return the archives for a version of Glue, building what the cache lacks.

    Only the first build needs the package index. Raises WheelsError when a pin has no wheel for that Glue, a hash
    does not match, or the index cannot be reached.
    """
    return GlueAssets(_wheels(glue_version, root), glue_source(root))


def source_files(root: Path = ROOT) -> Iterator[tuple[str, Path]]:
    """Yield the files of the source archive with their names in it."""
    for base, pattern in _SOURCE:
        for path in sorted((root / base).glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md":
                yield path.relative_to(root / base).as_posix(), path


def _wheels(glue_version: str, root: Path) -> Path:
    requirements = root / REQUIREMENTS
    key = hashlib.sha256(f"{glue_version}\n{requirements.read_text()}".encode()).hexdigest()[:16]
    built = root / CACHE / f"normalize-{glue_version}-{key}.gluewheels.zip"
    if built.exists():
        return built
    built.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=built.parent))
    try:
        _download(requirements, PYTHONS[glue_version], scratch)
        found = sorted(scratch.glob("*.whl"))
        names = "".join(f"{name}=={version}\n" for name, version in (one.name.split("-")[:2] for one in found))
        _write(
            built,
            [(f"wheels/{one.name}", one.read_bytes()) for one in found]
            + [("wheels/requirements.txt", names.encode())],
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return built


def _download(requirements: Path, python: str, folder: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--no-deps",  # the pins are complete except for what Glue contains
            "--require-hashes",
            "--only-binary", ":all:",
            *(word for one in _PLATFORMS for word in ("--platform", one)),
            "--python-version", python,
            "--dest", folder,
            "--requirement", requirements,
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise WheelsError(f"{requirements}: no wheels for Python {python} of Glue\n{done.stderr.strip()}")


def glue_source(root: Path = ROOT) -> Path:
    """Return the archive of our own source, building it unless the cache has it."""
    files = [(name, path.read_bytes()) for name, path in source_files(root)]
    key = hashlib.sha256(b"".join(name.encode() + content for name, content in files)).hexdigest()[:16]
    built = root / CACHE / f"normalize-source-{key}.zip"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        _write(built, files)
    return built


def _write(archive: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write an archive at once; folders are entries too, without which a package of folders is not found."""
    partial = archive.with_suffix(".partial")
    folders: set[str] = set()
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files:
            for parent in reversed(Path(name).parents[:-1]):
                if (folder := f"{parent.as_posix()}/") not in folders:
                    folders.add(folder)
                    opened.writestr(zipfile.ZipInfo(folder, _EPOCH), b"")
            packed = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            opened.writestr(zipfile.ZipInfo(name, _EPOCH), content, packed)
    partial.rename(archive)


def main() -> None:
    """Build both archives and print their paths: `python -m stacks.glue_assets --glue-version 5.1`."""
    parser = argparse.ArgumentParser(prog="python -m stacks.glue_assets", description=main.__doc__)
    parser.add_argument("--glue-version", choices=[*PYTHONS], default=DEFAULT_VERSION)
    built = glue_assets(parser.parse_args().glue_version)
    sys.stdout.write(f"{built.wheels}\n{built.source}\n")


if __name__ == "__main__":
    main()
