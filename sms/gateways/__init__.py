"""The services that carry an SMS: `base` is the contract, every other module is one gateway."""
