"""Learners with the scikit-learn API."""
