"""Athena by awswrangler, which needs an older pyarrow than the project: a program in an environment of its own."""
