"""A comparison for people and machines: each module renders the same one, and returns a string."""
