"""Back into an account whose password is forgotten; and the branches, where no page can help."""
