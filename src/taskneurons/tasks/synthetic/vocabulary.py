"""Every word of a collection, for a word-level tokenizer."""

from taskneurons.tasks.synthetic.corpus import corpus_words
from taskneurons.tasks.synthetic.suite import COLLECTIONS, Collection


def synthetic_vocabulary(collection: Collection = "twelve") -> tuple[str, ...]:
    """The sorted words of all lexicons, templates, label words and pre-training phrases; no special tokens."""
    return tuple(sorted(corpus_words().union(*(grammar.words() for grammar in COLLECTIONS[collection]))))
