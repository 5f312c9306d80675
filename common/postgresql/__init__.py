"""Django's PostgreSQL, whose kept connections are looked at before they are used (`base`)."""
