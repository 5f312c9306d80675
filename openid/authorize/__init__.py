"""The authorization endpoint: from a service's redirect, over the pages in between, to the code."""
