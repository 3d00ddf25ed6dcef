"""Searching by words, bounded: each word is one more condition for the database."""

#: So many words of a search are looked at; nobody types more to find a thing.
MOST_WORDS = 10


def words_of(search: str) -> list[str]:
    """The words that a search must find, without those beyond the first ten."""
    return search.split(maxsplit=MOST_WORDS)[:MOST_WORDS]
