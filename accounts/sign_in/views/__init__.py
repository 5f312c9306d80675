"""The pages of a citizen's sign-in: the password, and the code."""
