"""The app's whole life on an account, by the commands a user types: deployed, used, destroyed."""
