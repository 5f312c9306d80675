"""What the apps' admin pages share."""
