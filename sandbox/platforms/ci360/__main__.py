"""`python -m sandbox.platforms.ci360 --port N`: the simulated CI360 as a program of its own."""

from sandbox.platforms.ci360.app import build
from sandbox.platforms.server import run

if __name__ == "__main__":
    run("SAS CI360", build)
