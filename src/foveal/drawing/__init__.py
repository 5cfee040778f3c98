"""Figures from values: text, colours, small pictures, layout, sheets. Drawn by Pillow."""
