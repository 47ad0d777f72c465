"""The laptop's AWS and ad platforms: an emulator with its gaps closed, simulators, and what starts them."""
