"""What runs inside the measured processes: a module prints one JSON object and imports only what it measures."""
