"""What runs inside the measured processes: each module prints one JSON object, and imports what it measures only."""
