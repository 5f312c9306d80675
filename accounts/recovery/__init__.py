"""The recovery of an account whose password is forgotten; and the branches, for people whom no page can help."""
