"""The sign-in of citizens: the password, pauses after wrong tries, the risk, and the code of the second step."""
