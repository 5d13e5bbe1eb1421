"""Reading: a file becomes a Document of pages and blocks."""
