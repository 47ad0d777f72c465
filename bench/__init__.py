"""`python -m bench`: speed, memory and cost of the line; every figure comes from a process of its own."""
