"""What long work says while it goes on: events, their lines of text, curves."""
