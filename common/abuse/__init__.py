"""One authority over tries and spending: what a stranger may cause, and at what price."""
