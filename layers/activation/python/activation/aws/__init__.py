"""What the product calls on AWS, one mechanism each."""
