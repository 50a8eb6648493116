"""Shares, close numbers and paths as the page of some answers shows them."""


def percent(share: float) -> str:
    """A share as a reader should take it: never 0 or 100 % where it is neither."""
    if 0 < share < 0.005:
        return "< 1\N{NO-BREAK SPACE}%"
    if 0.995 < share < 1 - 1e-12:
        return "> 99\N{NO-BREAK SPACE}%"
    return f"{share:.0%}".replace("%", "\N{NO-BREAK SPACE}%")


def apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers below 1 with as many digits as it takes to tell them apart, and from 1."""
    shown = (((f"{one:.{d}f}", f"{other:.{d}f}"), d) for d in range(2, 7))
    digits = next((d for pair, d in shown if pair[0] != pair[1] and not pair[1].startswith("1")), 6)
    return f"{one:.{digits}f}", f"{other:.{digits}f}"


def printable(path: str) -> str:
    """A path with what is no UTF-8 shown as escapes."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")
