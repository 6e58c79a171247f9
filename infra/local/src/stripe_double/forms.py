"""The form encoding of Stripe's clients, and typed reading of parameters."""

from typing import Any
from urllib.parse import parse_qsl

from stripe_double.errors import JsonObject, invalid_parameter

METADATA_KEYS = 50
METADATA_KEY_LENGTH = 40
METADATA_VALUE_LENGTH = 500


def names(text: str) -> frozenset[str]:
    """The words of a text, as the set of parameters an operation takes."""
    return frozenset(text.split())


def parse_form(encoded: str) -> JsonObject:
    """Turn `a[b][c]=1&d[]=2&e[0]=3` into nested dicts and lists."""
    root: JsonObject = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        first, *rest = name.split("[")
        _insert(root, [first, *(part.rstrip("]") for part in rest)], value)
    return {name: _listed(value) for name, value in root.items()}


def _insert(root: JsonObject, path: list[str], value: str) -> None:
    node = root
    for part in path[:-1]:
        child = node.setdefault(part or str(len(node)), {})
        if not isinstance(child, dict):
            raise invalid_parameter(f"Invalid object: {part}", path[0])
        node = child
    node[path[-1] or str(len(node))] = value


def _listed(node: Any) -> Any:  # noqa: ANN401 A form's value has any shape.
    """Read a dict whose keys are 0, 1, 2, … as the list it stands for."""
    if not isinstance(node, dict):
        return node
    values = [_listed(value) for value in node.values()]
    if node and list(node) == [str(index) for index in range(len(node))]:
        return values
    return dict(zip(node, values, strict=True))


class Params:
    """The parameters of one call, read by type; a wrong one is a 400."""

    def __init__(self, values: JsonObject, allowed: frozenset[str]) -> None:
        for name in values:
            if name not in allowed:
                raise invalid_parameter(
                    f"Received unknown parameter: {name}", name, "parameter_unknown"
                )
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str | None:
        """A string, or None when absent or empty."""
        value = self._values.get(name)
        if value in (None, ""):
            return None
        if not isinstance(value, str):
            raise invalid_parameter(f"Invalid string: {value}", name)
        return value

    def required_text(self, name: str) -> str:
        """A string that must be there."""
        value = self.text(name)
        if value is None:
            raise _missing(name)
        return value

    def choice(self, name: str, options: tuple[str, ...]) -> str | None:
        """One of `options`, or None when absent."""
        value = self.text(name)
        if value is not None and value not in options:
            listed = ", ".join(options[:-1]) + f", or {options[-1]}"
            raise invalid_parameter(f"Invalid {name}: must be one of {listed}", name)
        return value

    def integer(self, name: str) -> int | None:
        """A positive integer in minor units, or None when absent."""
        value = self.text(name)
        if value is None:
            return None
        if not value.lstrip("-").isdigit():
            raise invalid_parameter(
                f"Invalid integer: {value}", name, "parameter_invalid_integer"
            )
        number = int(value)
        if number < 1:
            raise invalid_parameter(
                "This value must be greater than or equal to 1.",
                name,
                "parameter_invalid_integer",
            )
        return number

    def required_integer(self, name: str) -> int:
        """A positive integer that must be there."""
        value = self.integer(name)
        if value is None:
            raise _missing(name)
        return value

    def flag(self, name: str) -> bool:
        """`true` or `false`; absent is false."""
        return self.choice(name, ("true", "false")) == "true"

    def mapping(self, name: str) -> JsonObject:
        """A nested object, or an empty one when absent."""
        value = self._values.get(name, {})
        if value == "":
            return {}
        if not isinstance(value, dict):
            raise invalid_parameter("Invalid object", name)
        return value

    def comparisons(self, name: str) -> JsonObject:
        """`name=5` or `name[gte]=5` as pairs of comparison and value."""
        if isinstance(self._values.get(name), str):
            return {"eq": self._values[name]}
        return self.mapping(name)

    def texts(self, name: str) -> list[str]:
        """A list of strings, or an empty one when absent."""
        value = self._values.get(name, [])
        if not isinstance(value, list):
            raise invalid_parameter("Invalid array", name)
        return [str(item) for item in value]

    def metadata(self, current: dict[str, str]) -> dict[str, str]:
        """`current` with the given pairs set; an empty value removes its key."""
        if "metadata" not in self._values:
            return current
        if self._values["metadata"] == "":
            return {}
        merged = {**current, **self.mapping("metadata")}
        kept = {key: value for key, value in merged.items() if value != ""}
        _check_metadata(kept)
        return kept


def _check_metadata(pairs: dict[str, str]) -> None:
    if len(pairs) > METADATA_KEYS:
        raise invalid_parameter("Metadata can have up to 50 keys", "metadata")
    for key, value in pairs.items():
        if len(key) > METADATA_KEY_LENGTH or len(value) > METADATA_VALUE_LENGTH:
            raise invalid_parameter(
                "Metadata keys have up to 40 characters and values up to 500",
                f"metadata[{key}]",
            )


def _missing(name: str) -> Exception:
    return invalid_parameter(
        f"Missing required param: {name}.", name, "parameter_missing"
    )
