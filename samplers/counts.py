"""A number with its noun, which is in the singular after 1."""


def counted(number: int, many: str) -> str:
    """Such as ``1 batch`` and ``2 batches``.

    Args:
        number: how many.
        many: the noun in the plural.
    """
    one = {"batches": "batch", "identities": "identity", "classes": "class"}.get(many, many.removesuffix("s"))
    return f"{number:,} {one if number == 1 else many}"
