"""What a person types. Forms check shape, and are pure."""
