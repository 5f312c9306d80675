"""Services that sign citizens in by a real portal, with clients that nobody here wrote, and the citizen's browser."""
