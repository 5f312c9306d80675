"""SMS: queues messages, sends them through gateways, and finds out what became of them. Knows mobiles, no persons."""
