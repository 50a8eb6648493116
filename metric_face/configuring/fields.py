"""The kinds of values in a configuration, and how what was read becomes one of them."""

import os
from collections.abc import Mapping
from math import isfinite
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from metric_face.configuring.yaml_text import Plain, as_number, plain_value


def zero_or_drawn(alpha: float) -> float:
    """Refuse an alpha whose Beta distribution float32 cannot draw from."""
    if 0 < alpha < 0.01:
        raise ValueError("must be 0 (none) or at least 0.01")
    return alpha


Auto = Literal["auto"]
Share = Annotated[float, Field(ge=0, le=1)]
Below1 = Annotated[float, Field(ge=0, lt=1)]
Alpha = Annotated[float, Field(ge=0, le=100), AfterValidator(zero_or_drawn)]
Weight = Annotated[float, Field(ge=0, le=1e6)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Steps = Annotated[int, Field(ge=0, le=1_000_000_000)]
CropShare = Annotated[float, Field(ge=0.01, le=1)]
Deviation = Annotated[float, Field(ge=1e-3, le=10)]
Pixels = Annotated[int, Field(ge=8, le=4096)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""What every generator takes: Python's, NumPy's and torch's."""


class Section(BaseModel):
    """A section of the configuration: no unknown key, and each value as its field wants it."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _as_the_field_wants_it(cls, value: Any, info: ValidationInfo) -> Any:
        return as_kind(value, cls.model_fields[str(info.field_name)].annotation)


def as_kind(value: Any, annotation: Any) -> Any:
    """Make of a value what its annotation asks for, where the value was written as text.

    A text stays the text that it is; only where a number, a truth value or nothing is wanted is a plain scalar read
    as one. A truth value is no number.

    Args:
        value: as YAML, a mapping or an option gave it.
        annotation: of the field.

    Raises:
        ValueError: a truth value for a number, or a text that no file name can be.
    """
    origin = get_origin(annotation)
    if origin is Annotated:
        return as_kind(value, get_args(annotation)[0])
    if origin in (Union, UnionType):
        if isinstance(value, Plain) and value.is_nothing:
            return None
        return as_kind(value, next(kind for kind in get_args(annotation) if kind is not NoneType))
    if origin in (list, tuple) and isinstance(value, list | tuple):
        return [as_kind(item, get_args(annotation)[0]) for item in value]
    if origin is dict and isinstance(value, Mapping):
        return {str(key): as_kind(item, get_args(annotation)[1]) for key, item in value.items()}
    if isinstance(value, Plain) and value.is_nothing and (origin is dict or _is_section(annotation)):
        return {}  # a section of which every line is commented out
    if isinstance(value, Mapping) and _is_section(annotation):
        return dict(value)
    if annotation is Any:
        return _plain_values(value)
    if annotation is str:
        return _text(value)
    if annotation in (int, float):
        return _number(value)
    if annotation is bool and isinstance(value, Plain):
        known = plain_value(value)
        return known if isinstance(known, bool) else str(value)
    return str(value) if isinstance(value, Plain) else value


def wants_text(annotation: Any) -> bool:
    """Whether a field holds one text, or one text or nothing."""
    if get_origin(annotation) in (Union, UnionType):
        return any(wants_text(kind) for kind in get_args(annotation))
    return annotation is str or (get_origin(annotation) is Annotated and get_args(annotation)[0] is str)


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _text(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str) and "\0" in value:
        raise ValueError("must hold no NUL character")
    return str(value) if isinstance(value, str) else value


def _number(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, Plain) and isinstance(plain_value(value), bool)):
        raise ValueError("must be a number, found a truth value")
    number = as_number(value) if isinstance(value, Plain) else None
    return (str(value) if isinstance(value, Plain) else value) if number is None else number


def _plain_values(value: Any) -> Any:
    """Values where the schema leaves open what they are."""
    if isinstance(value, Plain):
        return plain_value(value)
    if isinstance(value, Mapping):
        return {str(key): _plain_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_values(item) for item in value]
    if not (
        value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and isfinite(value))
    ):
        raise ValueError(f"must hold finite numbers, texts, lists and mappings, found {type(value).__name__}")
    return value
