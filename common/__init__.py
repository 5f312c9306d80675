"""What all apps share, at the bottom of the imports: it imports no other app."""
