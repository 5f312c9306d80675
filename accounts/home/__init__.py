"""The home page after the sign-in, with the catalogue of the organisation's services."""
