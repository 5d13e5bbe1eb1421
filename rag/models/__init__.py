"""The models of this package, the embedder and the reader: their training, their measurement and they themselves."""
