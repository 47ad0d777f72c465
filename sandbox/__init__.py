"""The laptop's AWS and ad platforms: an emulator with its gaps closed, the simulators, and their launcher."""
