"""Base classes of the apps' admin pages."""
