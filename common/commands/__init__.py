"""Base classes and helpers of the apps' management commands."""
