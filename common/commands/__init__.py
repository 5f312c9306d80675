"""What the apps' management commands share."""
