"""The pages of a recovery, and of the branches."""
