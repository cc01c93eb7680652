"""`python -m netc` is the command `netc`."""

from netc.cli import run

if __name__ == "__main__":
    run()
