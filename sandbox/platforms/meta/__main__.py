"""`python -m sandbox.platforms.meta --port N`: the simulated Meta as a program of its own."""

from sandbox.platforms.meta.app import build
from sandbox.platforms.server import run

if __name__ == "__main__":
    run("Meta Marketing API", build)
