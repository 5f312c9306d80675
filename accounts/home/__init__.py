"""The first page after the sign-in, with the organisation's services."""
