"""The web sites that `journey.py` measures side by side, the people who go through them, and what is counted of it."""
