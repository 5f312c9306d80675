"""The protocol's server side, by Authlib: what it asks of us, answered from our tables. Knows no Django request."""
