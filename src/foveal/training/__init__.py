"""Training: one loop, its schedule, its optimizer, its checkpoints."""
