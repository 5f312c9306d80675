"""The page of a citizen's connected services: which know the citizen, what they are told, and how that ends."""
