"""A study of one's own: a folder that runs this workflow on a model and tasks of the user.

The model and the tasks are read first. The folder is made beside its place and moved there when it is whole, so that
what is refused leaves nothing behind. It holds all that decides its results but the code: parameters with their base,
the claims and the published numbers that results are compared with, and a copy of the tasks. The code is that of the
checkout in which the library stands.

| module | holds |
|---|---|
| init | `init`, the command, which goes through the others in this order |
| model | `find_model`: a folder, a file or a repository -> `Model` |
| tasks | `find_tasks`: a folder, a file or data sets of the hub -> `Tasks` |
| sizes | how much is computed on a laptop and on a GPU |
| choices | `choose`: the context and the longest answer, so that the examples fit |
| summary | what was found, in lines |
| folder | the files of the new folder, and their texts |
"""
