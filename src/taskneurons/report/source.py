"""Where the templates, styles and scripts of the page lie, and what tells that one of them changed."""

import hashlib
from pathlib import Path

from taskneurons.files import read_text

TEMPLATES = Path(__file__).parent / "templates"


def templates_digest() -> str:
    """SHA-256 over templates, styles and scripts, which the fingerprint of the code does not see."""
    parts = [f"{file.name}\0{read_text(file)}" for file in sorted(TEMPLATES.iterdir()) if file.is_file()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
