"""The report: one HTML file with claims, figures, tables, the atlas of neurons and the lineage of every number.

`contents` reads what there is and says what is missing, `page` makes the file. Both are functions of files and of the
lineage records as plain values, so that a clone without results has a report, too.
"""
