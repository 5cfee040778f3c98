"""How well a model does, on pictures that did not teach it."""
