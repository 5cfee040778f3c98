"""Which network and which training suit pictures best, found by trying."""
