"""What is wrong with pictures and their labels, before a network learns it."""
