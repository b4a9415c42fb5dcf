"""Text from outside, made safe to print."""


def printable(text: str) -> str:
    """`text` with every character that could steer a terminal or break a line written as an escape."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
