"""Accounts of citizens and staff: sign-in, sessions, profile, recovery, closing, and what happens to an account."""
