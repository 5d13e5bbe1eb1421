"""The default embedder: its training, its measurement and the model itself."""
