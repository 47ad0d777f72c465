"""The Glue job's script: an export in S3 becomes a folder drop. See docs/glue.md.

Arguments: --mapping, --input, --output (s3:// URLs); optional: --folder, the name of the drop's folder, --listing,
the s3:// URL of the list of exactly the objects to read, --export and --slot, which name what the drop is for, and
--record, the s3:// URL at which the report is kept for attempts after this one.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from awsglue.utils import getResolvedOptions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REQUIRED = ("JOB_NAME", "mapping", "input", "output")
OPTIONAL = ("folder", "listing", "export", "slot", "record")


def main() -> None:
    """Run the job; ends with a message of code and sentence where the mapping or the export cannot be used."""
    given = [*REQUIRED, *(one for one in OPTIONAL if f"--{one}" in sys.argv)]
    arguments: dict[str, str] = getResolvedOptions(sys.argv, given)
    from activation.errors import ActivationError

    from glue_scripts.normalize.run import normalize
    from glue_scripts.normalize.spark_session import check_arrow, glue_session

    try:
        check_arrow()
        session = glue_session()
        job = _job(session, arguments)
        report = normalize(
            arguments["mapping"],
            arguments["input"],
            arguments["output"],
            folder=arguments.get("folder", ""),
            listing=arguments.get("listing", ""),
            claim="/".join(arguments[one] for one in ("export", "slot") if one in arguments),
            record=arguments.get("record", ""),
            session=lambda: session,
        )
    except ActivationError as error:
        sys.exit(f"{error.code}: {error.sentence}")
    if job is not None:
        job.commit()
    print(report.text())


def _job(session: SparkSession, arguments: dict[str, str]) -> Any:
    """Return the begun job of Glue's own library, None where its Java classes are missing: outside of Glue."""
    from awsglue.context import GlueContext
    from awsglue.job import Job

    try:
        job = Job(GlueContext(session.sparkContext))
    except TypeError:  # 'JavaPackage' object is not callable
        return None
    job.init(arguments["JOB_NAME"], arguments)
    return job


if __name__ == "__main__":
    main()
