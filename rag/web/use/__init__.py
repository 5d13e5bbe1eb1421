"""What the page shows administrators of its use: figures, questions without an answer, and the replies to them."""
