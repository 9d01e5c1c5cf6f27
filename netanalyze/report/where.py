"""Conditions on rows: ``app=http``, ``duration>1.5s``, ``client=10.0.0.0/8``, ``handshake=null``.

A condition is read without looking at any data, so that a mistake is found before a long analysis.
Reading one for a column gives a test, and the test makes one array of flags from the whole column.

A row that has no value fulfils ``=null`` and every ``!=`` and ``!~`` but that of null.
"""

from __future__ import annotations

import operator
import re
import warnings
from ipaddress import ip_address, ip_network
from math import ceil, floor
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from msgspec import Struct

from netanalyze.errors import UsageError
from netanalyze.model import NULL
from netanalyze.report.column import AddressColumn, Column, IntColumn
from netanalyze.report.quantity import BYTE_UNITS, DURATION_UNITS, parse_number, parse_time
from netanalyze.report.record import NUMBERS, Field, Unit

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal
    from ipaddress import IPv4Network, IPv6Network

    from numpy.typing import NDArray

Mask: TypeAlias = "NDArray[np.bool_]"
Test: TypeAlias = "Callable[[Column], Mask]"

_HEXADECIMAL = re.compile(r"0[xX][0-9A-Fa-f]{1,4}")
_CONDITION = re.compile(r"\s*([A-Za-z_]\w*)\s*(!=|>=|<=|==|!~|=|<|>|~)\s*(.*?)\s*\Z", re.DOTALL)
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LARGEST = -(NULL + 1)
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})


class Condition(Struct, frozen=True):
    """A condition that has been taken apart.

    Attributes:
        text: as the user wrote it.
        column: the name before the operator.
        operator: one of ``=  !=  <  <=  >  >=  ~  !~``.
        operand: what stands behind it.
    """

    text: str
    column: str
    operator: str
    operand: str

    def test(self, field: Field) -> Test:
        """The test for this column.

        Raises:
            UsageError: the operator or the operand does not suit the column.
        """
        try:
            return self._test(field)
        except UsageError as error:
            message = f"condition {self.text!r}: {error}"
            raise UsageError(message) from None

    def _test(self, field: Field) -> Test:
        if self.operand == "null":
            return _null_test(self.operator, field)
        if self.operator in ("~", "!~"):
            return _regex_test(self.operator, self.operand, field)
        if field.unit in NUMBERS:
            return _number_test(self.operator, self._number(field))
        if self.operator not in ("=", "!="):
            message = f"{field.name} is not a number, so it can be compared with =, != and ~ only"
            raise UsageError(message)
        if field.unit is Unit.ADDRESS:
            return _address_test(self.operator, self.operand)
        if field.unit is Unit.TRUTH or field.kind is bool:
            wanted: Any = _truth(self.operand)
        else:
            wanted = self.operand
        return _distinct_test(lambda value: value == wanted, negate=self.operator == "!=")

    def _number(self, field: Field) -> Decimal | int:
        # duration_ns>5 says its unit in the name; duration>5 could mean anything.
        in_ns = self.column.endswith("_ns")
        if field.unit is Unit.TIME and not in_ns:
            return parse_time(self.operand)
        if field.unit is Unit.DURATION:
            return parse_number(self.operand, DURATION_UNITS, 1 if in_ns else None)
        if field.unit is Unit.HEXADECIMAL and _HEXADECIMAL.fullmatch(self.operand):
            return int(self.operand, 16)
        return parse_number(self.operand, BYTE_UNITS if field.unit is Unit.BYTES else {}, 1)


def parse_condition(text: str) -> Condition:
    """Take a condition apart.

    Raises:
        UsageError: it has not the form of one.
    """
    match = _CONDITION.match(text)
    if match is None or not match[3]:
        message = (
            f"{text!r} is not a condition: write a column, one of = != < <= > >= ~ !~, and a value,"
            " as in 'duration>1.5s'"
        )
        raise UsageError(message)
    sign = "=" if match[2] == "==" else match[2]
    return Condition(text, match[1], sign, match[3])


def _null_test(sign: str, field: Field) -> Test:
    if sign not in ("=", "!="):
        message = f"{field.name} can be = null or != null"
        raise UsageError(message)

    def test(column: Column) -> Mask:
        return _nulls(column) if sign == "=" else ~_nulls(column)

    return test


def _nulls(column: Column) -> Mask:
    missing: Mask = column.numbers == NULL if isinstance(column, IntColumn) else column.distinct()[0] < 0
    return missing


def _number_test(sign: str, wanted: Decimal | int) -> Test:
    compare = _COMPARE[sign]
    # An integer is > 1.5 when it is > 1 and >= 1.5 when it is >= 2; it is never equal to 1.5.
    if not NULL < wanted < _LARGEST:
        bound = _LARGEST if wanted > 0 else NULL + 1
        whole = False
    else:
        down, up = floor(wanted), ceil(wanted)
        whole = down == up
        bound = down if sign in (">", "<=") else up

    def test(column: Column) -> Mask:
        if not isinstance(column, IntColumn):
            if sign == "!=":
                return _distinct_test(lambda value: value == wanted, negate=True)(column)
            return _distinct_test(lambda value: bool(compare(value, wanted)), negate=False)(column)
        numbers = column.numbers
        mask: Mask
        if sign in ("=", "!=") and not whole:
            mask = np.full(len(numbers), sign == "!=", np.bool_)
        else:
            mask = compare(numbers, bound)
        if sign != "!=":
            mask &= numbers != NULL
        return mask

    return test


def _regex_test(sign: str, pattern: str, field: Field) -> Test:
    if field.unit in NUMBERS or field.unit is Unit.TRUTH:
        message = f"~ searches text, and {field.name} is not text"
        raise UsageError(message)
    try:
        with warnings.catch_warnings():
            # That a later Python may read a pattern differently is no concern of the user's.
            warnings.simplefilter("ignore", FutureWarning)
            search = re.compile(pattern).search
    except re.error as error:
        message = f"{pattern!r} is not a regular expression: {error}"
        raise UsageError(message) from None
    return _distinct_test(lambda value: search(str(value)) is not None, negate=sign == "!~")


def _address_test(sign: str, operand: str) -> Test:
    try:
        network = ip_network(operand, strict=False)
        if "%" in operand:
            raise ValueError  # noqa: TRY301 - a zone says nothing about captured packets
    except ValueError:
        message = f"{operand!r} is not an IP address, nor a network such as 10.0.0.0/8"
        raise UsageError(message) from None
    negate = sign == "!="

    def test(column: Column) -> Mask:
        if not isinstance(column, AddressColumn):
            return _distinct_test(lambda value: _inside(value, network), negate=negate)(column)
        first, last = int(network.network_address), int(network.broadcast_address)
        mask = column.inside(first, last, network.version)
        return ~mask if negate else mask

    return test


def _inside(value: object, network: IPv4Network | IPv6Network) -> bool:
    try:
        return ip_address(str(value)) in network
    except ValueError:  # a row may hold a name or anything else that traffic said
        return False


def _truth(operand: str) -> bool:
    word = operand.lower()
    if word not in _TRUE | _FALSE:
        message = f"{operand!r} is neither true nor false"
        raise UsageError(message)
    return word in _TRUE


def _distinct_test(predicate: Callable[[Any], bool], *, negate: bool) -> Test:
    """A test that asks once for each distinct value; rows without a value fulfil the negated one."""

    def test(column: Column) -> Mask:
        codes, values = column.distinct()
        found = [value is not None and predicate(value) for value in values]
        mask = np.array([*found, False], np.bool_)[codes]  # index -1, no value, finds the last
        return ~mask if negate else mask

    return test
