"""The citizen's forms. They check the shape of what is typed, and change nothing."""
