"""Specifications as text: versioned JSON whose keys and types are those of a frozen dataclass, and no others."""

from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from clika.errors import JobError, UsageError
from clika.json_text import parsed_json

_Spec = TypeVar("_Spec")
_RULES = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    float: "a number",
    tuple: "a list of texts",
}


def read_spec(text: str, form: type[_Spec], version: int) -> _Spec:
    """A specification of the dataclass ``form``, whose fields are texts, numbers, switches or tuples of texts.

    Raises JobError for text that is no JSON object, unknown or missing keys, another version, values of the wrong
    type, and those that the form itself refuses.
    """
    values = json_object(text)
    known = {field.name for field in fields(form)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - known)
    if unknown:
        raise JobError(
            f"unknown key {unknown[0]!r} in a job's specification; known: {', '.join(sorted(known))};"
            f" it was written by another version of CLiKA"
        )
    if values.get("version") != version:
        raise JobError(f"a job of version {values.get('version')!r}; this program runs version {version}")
    hints = get_type_hints(form)
    try:
        return form(**{name: _checked(name, value, hints[name]) for name, value in values.items()})
    except TypeError as error:
        raise JobError(f"a job's specification lacks something ({error}); submit it again") from error
    except UsageError as error:
        raise JobError(f"a job's specification cannot be: {error}; submit it again") from error


def json_object(text: str) -> dict[str, Any]:
    """The object that a text is. Raises JobError for anything else."""
    try:
        values = parsed_json(text)
    except ValueError as error:
        raise JobError(f"a job's specification is not JSON ({error}); submit the job again") from error
    if not isinstance(values, dict):
        raise JobError("a job's specification is not an object; submit the job again")
    return values


def _checked(name: str, value: Any, hint: Any) -> Any:
    """The value as its field holds it. Raises JobError for one of the wrong JSON type."""
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    if value is None and NoneType in kinds:
        return None
    kind = next(kind for kind in kinds if kind is not NoneType)
    plain = str if get_origin(kind) is Literal else get_origin(kind) or kind
    if plain is tuple and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if plain is not tuple and (type(value) is plain or (plain is float and type(value) is int)):
        return float(value) if plain is float else value
    rule = _RULES[plain] + (" or null" if NoneType in kinds else "")
    raise JobError(f"{name} {value!r} in a job's specification must be {rule}; submit the job again")
