"""The rules of passwords, how strong one is, and how passwords are hashed."""
