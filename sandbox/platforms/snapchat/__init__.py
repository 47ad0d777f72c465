"""A simulated Snapchat Marketing API: Customer Lists and tokens, as Snap's public pages describe them."""
