"""Whether a text says its title by itself already."""


def begins_with_title(title: str, text: str) -> bool:
    """Whether the text begins with the title, as a heading or not, and as whole words."""
    title = title.strip()
    bare = text.lstrip("# ")
    if not title or not bare.startswith(title):
        return False
    rest = bare[len(title) :]
    return not (title[-1].isalnum() and rest[:1].isalnum())
