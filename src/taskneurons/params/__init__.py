"""The parameters: every number that decides a result, validated once, before anything runs.

| module | holds |
|---|---|
| strict_yaml | YAML whose meaning no reader can disagree about |
| bases | `base: FILE` and what differs: one document of a file and those that it builds on |
| section | the strict frozen base of all sections, described fields, names safe as paths |
| runs, suites, models, groups, evaluation, figures | the sections that all studies share |
| selection, schedule, folders | what sections of several studies are made of |
| root | `Params`, the whole: these sections and those of the studies, with the rules between them |
| loading | `load_params`: file -> `Params`, every error with its file, line, key path and remedy |
| show | parameters written as YAML, whole, and what a file changes of its base |
| reference | the JSON schema and the reference page |

The section of a study stands in its room, `taskneurons.studies.<study>.params`, which imports only what is shared here.
"""
