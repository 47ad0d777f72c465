"""`activation console`: the runs, audiences, platforms and queues of the deployed app as pages on this machine."""
