"""A citizen signs in: password, pauses, risk, and the code of the second step."""
