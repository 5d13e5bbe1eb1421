"""The invented town of 澄野町: sources, the builder of its corpus, and the checker of its questions."""
