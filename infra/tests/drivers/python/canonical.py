"""Values of the Python driver in the text form of CANONICAL.md, and parameters from the script."""
import datetime
import decimal
import ipaddress
import math
import struct
import uuid

from cassandra.query import UNSET_VALUE
from cassandra.util import Date, Duration, Time

EPOCH = datetime.datetime(1970, 1, 1)


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def shortest32(number):
    for digits in range(1, 10):
        text = "%.*e" % (digits - 1, number)
        if struct.unpack("f", struct.pack("f", float(text)))[0] == number:
            return text
    return repr(number)


def floating(number, width):
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "-0e0" if math.copysign(1, number) < 0 else "0e0"
    text = shortest32(number) if width == 32 else repr(number)
    sign, digits, exponent = decimal.Decimal(text).normalize().as_tuple()
    digits = "".join(map(str, digits))
    exponent += len(digits) - 1
    point = "." + digits[1:] if len(digits) > 1 else ""
    return f"{'-' if sign else ''}{digits[0]}{point}e{exponent}"


def decimal_text(value):
    sign, digits, exponent = value.as_tuple()
    digits = "".join(map(str, digits)).lstrip("0") or "0"
    return f"{'-' if sign and digits != '0' else ''}{digits}e{exponent}"


def milliseconds(value):
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // datetime.timedelta(milliseconds=1)
    return int(value)


SCALARS = {
    "ascii": quoted,
    "text": quoted,
    "varchar": quoted,
    "boolean": lambda v: "true" if v else "false",
    "float": lambda v: floating(v, 32),
    "double": lambda v: floating(v, 64),
    "decimal": decimal_text,
    "blob": lambda v: "0x" + bytes(v).hex(),
    "uuid": str,
    "timeuuid": str,
    "inet": lambda v: quoted(str(ipaddress.ip_address(v))),
    "timestamp": lambda v: str(milliseconds(v)),
    "date": lambda v: quoted(str(v)),
    "time": lambda v: quoted(
        "%02d:%02d:%02d.%09d" % (v.hour, v.minute, v.second, v.nanosecond)
    ),
    "duration": lambda v: f"{v.months}mo{v.days}d{v.nanoseconds}ns",
}


def canonical(kind, value):
    if value is None:
        return "null"
    name = kind.typename
    if name == "frozen":
        return canonical(kind.subtypes[0], value)
    if name in ("list", "set"):
        inner = ", ".join(canonical(kind.subtypes[0], v) for v in value)
        return f"[{inner}]" if name == "list" else "{" + inner + "}"
    if name == "map":
        key, item = kind.subtypes
        pairs = (f"{canonical(key, k)}: {canonical(item, v)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if name == "tuple":
        return "(" + ", ".join(map(canonical, kind.subtypes, value)) + ")"
    if hasattr(kind, "fieldnames"):
        texts = map(canonical, kind.subtypes, value)
        return "{" + ", ".join(f"{f}: {t}" for f, t in zip(kind.fieldnames, texts)) + "}"
    return SCALARS.get(name, str)(value)


def parameter(kind, value, turn):
    """A value of the script as the driver takes it."""
    if value is None:
        return None
    if value == {"unset": True}:
        return UNSET_VALUE
    if isinstance(value, str) and "$i" in value:
        value = value.replace("$i%10", str(turn % 10)).replace("$i", str(turn))
    if isinstance(kind, list):
        return composite(kind, value, turn)
    if kind in ("tinyint", "smallint", "int", "bigint", "varint", "counter", "timestamp"):
        return int(value)
    if kind in ("float", "double"):
        return float(value)
    if kind == "decimal":
        digits = tuple(map(int, value[0].lstrip("-")))
        return decimal.Decimal((value[0].startswith("-"), digits, -int(value[1])))
    if kind == "blob":
        return bytes.fromhex(value[2:])
    if kind in ("uuid", "timeuuid"):
        return uuid.UUID(value)
    if kind == "date":
        return Date(value)
    if kind == "time":
        return Time(value)
    if kind == "duration":
        return Duration(value[0], value[1], int(value[2]))
    return value


def composite(kind, value, turn):
    name = kind[0]
    if name == "list":
        return [parameter(kind[1], v, turn) for v in value]
    if name == "set":
        return {parameter(kind[1], v, turn) for v in value}
    if name == "map":
        return {parameter(kind[1], k, turn): parameter(kind[2], v, turn) for k, v in value}
    if name == "tuple":
        return tuple(parameter(k, v, turn) for k, v in zip(kind[1:], value))
    return tuple(parameter(k, value[f], turn) for f, k in kind[3:])
