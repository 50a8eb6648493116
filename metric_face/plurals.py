"""counted: a number with its noun in the singular or the plural."""


def counted(number: int, many: str) -> str:
    """Write a number with its noun, ``many`` in the plural: ``1 image``, ``2 images``."""
    one = {"identities": "identity", "processes": "process", "batches": "batch"}.get(
        many, many.removesuffix("s")
    )
    return f"{number:,} {one if number == 1 else many}"
