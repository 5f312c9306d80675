"""Sessions and devices: where they are kept, whose they are, when they end."""
