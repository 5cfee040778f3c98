"""What a network is to say of a picture: its class, or the picture itself."""
