"""From a queued message to the gateway's answer."""
