"""What a rotating radar needs to know about itself, measured with its own data."""
