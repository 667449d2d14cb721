"""tables: the rows from which reports are made, their dates and their money.

All rows that go in and out are dicts of text, null being the empty text.
"""

import calendar
import zoneinfo
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import floor
from typing import NamedTuple

# The tables that the reports are made of; all of their columns are read.
TABLES = ['plan', 'price', 'currency', 'subscription', 'outcome', 'event', 'run', 'batch']

DAY = timedelta(days=1)


@lru_cache(maxsize=None)
def instant(text):
    return datetime.fromisoformat(text)


@lru_cache(maxsize=None)
def local_date(text, zone):
    """The date that a calendar in the zone shows at an instant."""
    return instant(text).astimezone(zoneinfo.ZoneInfo(zone)).date()


class Period(NamedTuple):
    """Local dates from the first until before the end."""
    first: date
    end: date
    zone: str

    def has(self, text):
        return self.first <= local_date(text, self.zone) < self.end

    @property
    def name(self):
        if (self.first, self.end) == (date(self.first.year, 1, 1), date(self.first.year + 1, 1, 1)):
            return f'{self.first:%Y}'
        if self.first.day == 1 and self.end == month_after(self.first):
            return f'{self.first:%Y-%m}'
        return f'{self.first}/{self.end}'


def month_after(day):
    """The first day of the month that follows."""
    return day.replace(day=1) + timedelta(days=calendar.monthrange(day.year, day.month)[1])


def months(first, end):
    """Each calendar month that has a day from first until before end, cut at both: (name, first, end)."""
    found = []
    while first < end:
        found.append((f'{first:%Y-%m}', first, min(month_after(first), end)))
        first = found[-1][2]
    return found


class Offer(NamedTuple):
    plan_code: str
    currency: str
    unit_amount: int
    interval_months: int

    def mrr(self, quantity):
        """What it brings in a month, rounded half up, once."""
        return floor(Fraction(self.unit_amount * int(quantity), self.interval_months) + Fraction(1, 2))


class Entry:
    """An outcome or an event.  Its date is that of the boundary, or the event's own."""

    def __init__(self, row):
        self.row = row
        self.is_outcome = 'rule' in row
        self.at = row['period_end' if self.is_outcome else 'at']
        self.kind, self.price_id, self.quantity = row['kind'], row['price_id'], row['quantity']
        self.from_status, self.to_status = row['from_status'], row['to_status']
        self.revision = int(row['revision'])


class Tables:
    """The tables as they are: what is sold, and each subscription with its history in order of revision."""

    def __init__(self, tables):
        plans = {p['plan_id']: p['code'] for p in tables['plan']}
        self.offers = {p['price_id']: Offer(plans[p['plan_id']], p['currency'], int(p['unit_amount']),
                                            int(p['interval_months'])) for p in tables['price']}
        self.exponents = {c['code']: int(c['exponent']) for c in tables['currency']}
        self.subscriptions = {s['subscription_id']: s for s in tables['subscription']}
        self.runs, self.batches = tables['run'], tables['batch']
        self.entries = {number: [] for number in self.subscriptions}
        for row in sorted(tables['outcome'] + tables['event'], key=lambda r: int(r['revision'])):
            self.entries[row['subscription_id']].append(Entry(row))

    def money(self, name, minor, currency):
        """The two columns of an amount."""
        decimal = Decimal(minor).scaleb(-self.exponents[currency])
        return {f'{name}_minor': str(minor), name: f'{decimal:f}'}

    def moneys(self, amounts, currency):
        return {k: v for name, minor in amounts.items() for k, v in self.money(name, minor, currency).items()}
