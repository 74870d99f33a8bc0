"""How fast the engine and the workflow are, beside other ways to do the same; see README.md."""
