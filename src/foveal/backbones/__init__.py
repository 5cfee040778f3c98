"""Trained networks to start from: listed, opened, cut, and run once over pictures."""
