"""What a network is taught to say of a picture: its class, or the picture itself."""
