"""The parameters: every number that decides a result, validated once, before anything runs.

| module | holds |
|---|---|
| strict_yaml | YAML whose meaning no reader can disagree about |
| section | the strict frozen base of all sections, described fields, names safe as paths |
| suites, models, studies | the sections |
| root | `Params`, the whole, with the rules between sections |
| loading | `load_params`: file -> `Params`, every error with its line, key path and remedy |
| reference | the JSON schema and the reference page |
"""

from taskneurons.params.loading import load_params, parse_params
from taskneurons.params.root import Params

__all__ = ["Params", "load_params", "parse_params"]
