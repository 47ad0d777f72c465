"""`python -m sandbox.platforms.tiktok --port N`: the simulated TikTok as a program of its own."""

from sandbox.platforms.server import run
from sandbox.platforms.tiktok.app import build

if __name__ == "__main__":
    run("TikTok Business API", build)
