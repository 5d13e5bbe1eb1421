"""The administrators' side of the documents: what there is, what is wrong, changing it, indexing it, going back."""
