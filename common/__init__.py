"""The toolbox at the bottom: what every app uses. It knows nobody."""
