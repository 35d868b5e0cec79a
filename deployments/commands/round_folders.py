"""Where a round's name, and a country's rounds, are looked up."""

from pathlib import Path

ROUND_FOLDERS = (Path("deployments/rounds"), Path(__file__).parents[1] / "rounds")
"""A round's name is looked up here: below the current folder, then beside this file."""
