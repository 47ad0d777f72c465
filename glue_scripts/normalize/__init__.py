"""From an export of many files to a folder drop: read, map, aggregate, normalise, deduplicate, write.

Everything here works on Arrow record batches and knows nothing of Spark but `on_spark.py`: the same functions run
in one process (`job.in_process`) and as Spark tasks.
"""
