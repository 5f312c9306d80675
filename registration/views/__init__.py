"""The citizen's pages, except the three steps (registration/wizard.py)."""
