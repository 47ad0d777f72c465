"""What is remembered of runs, audiences and accounts, in one DynamoDB table."""
