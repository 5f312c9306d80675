"""The branch desk: staff check papers, and decide."""
