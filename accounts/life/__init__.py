"""The life of an account from its creation: states, locks, history, notices to its owner, and purges."""
