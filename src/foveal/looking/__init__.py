"""Pictures of what a model does: galleries, maps of codes, error pictures. Drawn by Pillow."""
