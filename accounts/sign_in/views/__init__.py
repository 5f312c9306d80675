"""The pages of a citizen's sign-in."""
