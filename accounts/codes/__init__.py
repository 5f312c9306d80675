"""One-time codes by SMS: who may have one, sending, trying."""
