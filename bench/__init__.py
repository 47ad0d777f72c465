"""`python -m bench`: how fast, how lean and how dear the line is; every figure from a process of its own."""
