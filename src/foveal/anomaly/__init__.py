"""Pictures unlike the usual ones: by an autoencoder, or by their neighbours in any features."""
