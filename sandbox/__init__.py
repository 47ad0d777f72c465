"""The laptop's AWS and ad platforms: an emulator with its gaps closed, platform simulators, and what starts them."""
