"""HTML from values: what is not markup already is escaped."""

from __future__ import annotations

from html import escape

VOID = frozenset({"meta"})  # elements without an end, of those that the pages use


class Html(str):
    """Markup, which is inserted as it is; any other text is escaped."""

    __slots__ = ()

    def __html__(self) -> Html:
        """Return itself: template engines ask so for what they need not escape."""
        return self


Child = str | int | None


def element(name: str, /, *children: Child, **attributes: str | int | bool | None) -> Html:
    """Return an element; children and attributes that are no `Html` are escaped, and None is left out.

    An attribute's name may end with an underscore, where the word is Python's (`class_`), and an underscore within
    it stands for a hyphen. True is an attribute without a value, False is none.
    """
    words = [name]
    for key, value in attributes.items():
        label = key.rstrip("_").replace("_", "-")
        if value is True:
            words.append(label)
        elif value is not None and value is not False:
            words.append(f'{label}="{escape(str(value))}"')
    opening = f"<{' '.join(words)}>"
    return Html(opening) if name in VOID else Html(f"{opening}{joined(*children)}</{name}>")


def joined(*children: Child) -> Html:
    """Return children one after another: markup as it is, text escaped, None left out."""
    return Html("".join(one if isinstance(one, Html) else _text(one) for one in children if one is not None))


def _text(value: str | int) -> str:
    """Escape a text for HTML; control characters and invisible marks are spelled out, as on a terminal."""
    text = f"{value:,}" if isinstance(value, int) else value
    if text.isprintable():
        return escape(text)
    return escape(
        "".join(one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode() for one in text)
    )
