"""Drops: reading a key as the contract it is, and a file of any format as Arrow record batches."""
