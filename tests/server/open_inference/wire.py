"""What of a protocol's definition decides about bytes on the wire."""

from collections.abc import Iterable
from typing import Any


def describe(files: Iterable[Any]) -> dict[str, Any]:
    """Fields of messages, numbers of enums and methods of services, by full name, as JSON."""
    found: dict[str, Any] = {}
    for file in files:
        for message in file.message_types_by_name.values():
            _describe_message(message, found)
        for enum in file.enum_types_by_name.values():
            _describe_enum(enum, found)
        for service in file.services_by_name.values():
            for method in service.methods:
                types = [method.input_type.full_name, method.output_type.full_name]
                found[method.full_name] = {
                    "types": types,
                    "streams": [method.client_streaming, method.server_streaming],
                }
    return found


def _describe_message(message: Any, found: dict[str, Any]) -> None:
    found[message.full_name] = {str(field.number): _field(field) for field in message.fields}
    for nested in message.nested_types:
        _describe_message(nested, found)
    for enum in message.enum_types:
        _describe_enum(enum, found)


def _field(field: Any) -> list[Any]:
    kind = field.message_type or field.enum_type
    choice = field.containing_oneof
    return [field.name, field.type, field.is_repeated, kind and kind.full_name, choice and choice.name]


def _describe_enum(enum: Any, found: dict[str, Any]) -> None:
    found[enum.full_name] = {str(value.number): [value.name] for value in enum.values}
