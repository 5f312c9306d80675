"""Limits what strangers can cause: conduct of addresses, proof of work, queues of turns, places for password
hashing."""
