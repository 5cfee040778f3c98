"""The fitted model: network, recipe, classes and provenance, in one file."""
