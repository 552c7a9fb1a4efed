"""Search: from a specification with distributions to the points to try, and which choice mattered."""
