"""The commands of `python -m eval`, one a module: DESCRIPTION, add_arguments(parser), run(options) -> exit status."""
