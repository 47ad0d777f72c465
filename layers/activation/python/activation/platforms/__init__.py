"""What an ad platform's folder provides, and what everything else may know of it."""
