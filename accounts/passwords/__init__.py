"""Which passwords are good, and how they are hashed."""
