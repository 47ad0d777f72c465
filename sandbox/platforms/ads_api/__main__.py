"""`python -m sandbox.platforms.ads_api --port N`: the simulated Amazon Ads API as a program of its own."""

from sandbox.platforms.ads_api.app import build
from sandbox.platforms.server import run

if __name__ == "__main__":
    run("Amazon Ads API", build)
