"""`python -m sandbox.platforms.snapchat --port N`: the simulated Snapchat as a program of its own."""

from sandbox.platforms.server import run
from sandbox.platforms.snapchat.app import build

if __name__ == "__main__":
    run("Snapchat Marketing API", build)
