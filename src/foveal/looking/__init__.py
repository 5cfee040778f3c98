"""Values of what a model does to pictures, arrays in and out; `drawing` makes them visible."""
