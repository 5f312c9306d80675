"""An account from its making on: states, locks, history, and who is told."""
