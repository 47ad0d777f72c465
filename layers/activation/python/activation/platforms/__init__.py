"""What an ad platform's folder provides to the rest of the product."""
