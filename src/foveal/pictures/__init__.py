"""Pictures: found, decoded once, split, augmented, handed on in batches."""
