"""The life of an account from its creation: states, locks, history, notices to its owner, security questions, purges,
and the queue of questions to the registry of mobile owners."""
