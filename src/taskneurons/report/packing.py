"""Data inside an HTML file: compressed, as text that no parser of HTML can take for markup."""

import base64
import gzip
import json
from typing import Any


def packed(content: bytes | str) -> str:
    """Base64 of gzip; the same bytes for the same content. Browsers unpack it with `DecompressionStream`."""
    data = content.encode() if isinstance(content, str) else content
    return base64.b64encode(gzip.compress(data, compresslevel=9, mtime=0)).decode("ascii")


def packed_json(content: Any) -> str:
    """The same of compact JSON; NaN and infinities are refused."""
    return packed(json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True))
