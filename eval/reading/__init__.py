"""Is every document read as a person reads it? Small files made by a script, and real ones, with what must come out of them."""
