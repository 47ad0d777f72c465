"""What is checked beside the tests."""
