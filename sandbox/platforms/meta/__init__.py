"""A simulated Meta Marketing API: custom audiences from customer files, as its public pages describe them."""
