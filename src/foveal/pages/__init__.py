"""Pages in HTML that stand alone: one file, offline, all text of others escaped."""
