"""Values that some databases have no type for, as text."""

from __future__ import annotations

import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID


def as_text(value: Any) -> str | None:
    """Return the text that stands for a value; None if none does.

    A column of text has this for a value, and a column of the value's type
    takes the text for it.

    >>> as_text(Decimal('1.50')), as_text(datetime(2026, 11, 29, 9, 30))
    ('1.50', '2026-11-29 09:30:00')
    >>> as_text(-math.inf), as_text(1)
    ('-Infinity', None)
    """
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat(' ')
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return 'NaN' if math.isnan(value) else (
            'Infinity' if value > 0 else '-Infinity')
    return None
