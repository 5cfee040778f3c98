"""Finding similar pictures by what a model makes of them."""
