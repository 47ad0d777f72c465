"""Spark jobs over the project's own identifier code."""
