"""HTML and SVG as trees of elements: whatever is put into one is text, and stays it."""

from xml.etree.ElementTree import Element, tostring

from wasmoci.values.text import printable

Child = Element | str | None


def tag(name: str, /, *children: Child, **attributes: object) -> Element:
    """An element; `class_` is the attribute `class`, and `a_b` is `a-b`. None is left out, of children and attributes.

    What cannot be seen in a text is escaped.
    """
    said = {_name(key): printable(str(value)) for key, value in attributes.items() if value is not None}
    element = Element(name, said)
    last: Element | None = None
    for child in children:
        if child is None:
            continue
        if not isinstance(child, str):
            element.append(child)
            last = child
        elif last is None:
            element.text = (element.text or "") + printable(child)
        else:
            last.tail = (last.tail or "") + printable(child)
    return element


def style(css: str) -> Element:
    """A style sheet of ours, of several lines."""
    element = Element("style")
    element.text = css
    return element


def size(element: Element) -> int:
    """How many bytes of a page it takes."""
    return len(tostring(element, "utf-8", method="html"))


def document(root: Element) -> bytes:
    """UTF-8."""
    text: str = tostring(root, "unicode", method="html")
    return f"<!doctype html>\n{text}\n".encode()


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
