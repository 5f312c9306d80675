"""The design page of a demo."""
