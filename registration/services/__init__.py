"""What can happen to a registration. Keyword-only, one transaction each, PortalError with a code."""
