"""Pictures through a frozen network: opened once, asked many times, features kept on disk."""
