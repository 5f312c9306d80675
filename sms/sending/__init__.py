"""Sends queued messages: claims them, calls gateways, writes attempts and outcomes, handles doubt. Entry:
`drain.drain`."""
