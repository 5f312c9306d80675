"""One-time codes by SMS: who may have one and when, how it is sent, and how a typed one is tried."""
