"""Documents -> a published snapshot that can be searched."""
