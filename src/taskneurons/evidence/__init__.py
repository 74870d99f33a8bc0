"""From files of results to tables, comparisons with the published numbers, and figures. Nothing here runs a model."""
