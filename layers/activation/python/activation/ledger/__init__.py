"""The records of runs, audiences and accounts in one DynamoDB table."""
