"""An administrator tries a service: a test citizen goes the whole way, and each step says what failed
(docs/decisions/0056)."""
