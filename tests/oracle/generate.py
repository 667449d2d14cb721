"""generate: random subscriptions around an instant, with everything that makes renewing them hard."""

import calendar
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from months import EARLIEST, LATEST, add_months, boundary, to_wall, transitions
from rules import Price, Subscription, bucket_of

ZONES = ['UTC', 'America/New_York', 'Europe/Paris', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/Sao_Paulo',
         'Africa/Casablanca', 'Pacific/Apia', 'Asia/Tehran', 'America/Havana', 'Europe/London', 'America/St_Johns',
         'Pacific/Chatham', 'Asia/Tokyo', 'America/Santiago']
LOST_ZONE = 'Atlantis/Center'
LOST_PRICE = 999999
CURRENCIES = {'EUR': 999, 'USD': 1250, 'GBP': 799, 'JPY': 980, 'KWD': 12345}
HOLDS = ['operator', 'catch_up_limit', 'amount_overflow']
LARGEST = Price('EUR', 10 ** 15, 1)


class Case(NamedTuple):
    """One start: what is loaded before the program runs as of an instant."""
    name: str
    as_of: datetime
    accounts: list
    prices: dict
    rows: list


def make_prices():
    """Four intervals in five currencies, a free price for each, and one that quickly overflows; ids with holes."""
    prices = {}
    for currency, amount in CURRENCIES.items():
        for interval, unit_amount in ((1, amount), (1, 3 * amount), (3, 3 * amount - 1), (12, 10 * amount),
                                      (12, 37 * amount), (36, 25 * amount), (1, 0)):
            prices[3 * len(prices) + 7] = Price(currency, unit_amount, interval)
    prices[5] = LARGEST
    return prices


class Generator:
    def __init__(self, random, as_of, accounts):
        self.random = random
        self.as_of = as_of
        # Sequential ids, and ids that begin with a time as some generators make them.
        self.accounts = [n + 1 if n % 3 else (1 << 55) + n * 7919 * 65537 for n in range(accounts)]
        self.prices = make_prices()
        first, last = as_of - timedelta(days=420), as_of + timedelta(days=10)
        self.jumps = {zone: transitions(zone, first, last) for zone in ZONES}
        self.last_id = 1000

    def chance(self, probability):
        return self.random.random() < probability

    def pick_price(self, currency=None):
        """Monthly prices most often; never the one that overflows."""
        ids = [i for i, p in self.prices.items() if p is not LARGEST and currency in (None, p.currency)]
        return self.random.choices(ids, [4 if self.prices[i].interval == 1 else 1 for i in ids])[0]

    def pick_anchor(self, month_index):
        """A wall time in a month: often its last day, often midnight, now and then to the microsecond."""
        year, month = divmod(month_index, 12)
        last = calendar.monthrange(year, month + 1)[1]
        any_day = self.random.randint(1, last)
        day = self.random.choice([last, last, min(30, last), any_day, any_day])
        any_time = self.random.randint(0, 23), self.random.randint(0, 59), self.random.randint(0, 59), 0
        clock = self.random.choice([(0, 0, 0, 0), (0, 0, 0, 0), (0, 30, 0, 0), (1, 30, 0, 0), (2, 0, 0, 0),
                                    (2, 30, 0, 0), any_time, (23, 59, 59, self.random.randint(0, 999999))])
        return datetime(year, month + 1, day, *clock)

    def pick_boundary(self, zone, interval):
        """An anchor, the months to the current end, and how many periods that end is behind."""
        behind = self.random.choices([-1, 0, 1, 2, 3, 4, 5, 7], [20, 45, 12, 8, 5, 4, 3, 3])[0]
        if interval == 1 and self.chance(0.01):
            behind = self.random.randint(33, 75)
        if self.jumps[zone] and self.chance(0.3):
            found = self.pick_jump(zone, interval)
            if found:
                return (*found, 0)
        now = self.as_of.year * 12 + self.as_of.month - 1
        age = behind * interval + self.random.randrange(interval)
        if self.chance(0.15):
            leap = [y for y in range(self.as_of.year - 13, self.as_of.year + 1) if calendar.isleap(y)]
            anchor = datetime(self.random.choice(leap), 2, 29, self.random.choice([0, 2, 12]))
            elapsed = now - (anchor.year * 12 + 1) - age
            if elapsed >= 0:
                return anchor, elapsed, behind
        elapsed = interval * self.random.randint(0, 60 // interval + 1)
        if self.chance(0.1):
            elapsed = self.random.randint(0, 50)  # as after a change of interval
        return self.pick_anchor(now - age - elapsed), elapsed, behind

    def pick_jump(self, zone, interval):
        """An anchor from which the current or a coming boundary falls into a gap or an overlap, or just on its edge."""
        low, high = self.random.choice(self.jumps[zone])
        wall = self.random.choice([low, high, low + (high - low) / 2, low + (high - low) / 3,
                                   high - timedelta(microseconds=1), low - timedelta(seconds=1)])
        months = self.random.randint(0, 40)
        anchor = add_months(wall, -months)
        elapsed = months - interval * self.random.choice([0, 1, 1, 2])
        return (anchor, elapsed) if anchor.day == wall.day and elapsed >= 0 else None

    def subscription(self):
        """A random row that the table accepts."""
        while True:
            row = self.spoil(self.sound())
            if row.period_start >= EARLIEST and row.period_end <= LATEST and row.anchor <= LATEST \
                    and row.period_start < row.period_end:
                self.last_id += self.random.choice([1, 1, 1, 10, 1 << 20])
                return row

    def sound(self):
        """A row as the customer API and earlier runs would have left it."""
        random = self.random
        zone = random.choice(ZONES)
        price_id = self.pick_price()
        next_price_id = self.pick_price(self.prices[price_id].currency) if self.chance(0.15) else None
        interval = self.prices[next_price_id or price_id].interval
        anchor, elapsed, behind = self.pick_boundary(zone, interval)
        end = boundary(anchor, zone, elapsed)
        start = boundary(anchor, zone, elapsed - self.prices[price_id].interval)
        status = random.choices(['active', 'pending_cancellation', 'trialing', 'expired'], [64, 12, 17, 7])[0]
        billed = self.chance(0.5)
        if status == 'trialing':
            # A trial may end in either hour of an overlap, and its anchor does not matter.
            end += random.choice([timedelta(0), timedelta(0), timedelta(hours=-1), timedelta(minutes=-30)])
            start = end - timedelta(days=random.choice([7, 14, 30]))
            anchor, elapsed = to_wall(start, zone), 0
        # The flag only stands on rows that a run advances: the design does not say what an expiry does to it.
        lasting = status == 'active' or status == 'trialing' and billed
        account_id = random.choice(self.accounts)
        ended = status == 'expired'
        return Subscription(
            bucket=bucket_of(account_id), subscription_id=self.last_id, account_id=account_id,
            price_id=price_id, next_price_id=next_price_id, quantity=random.choice([1, 1, 1, 2, 5, 40]),
            next_quantity=random.randint(1, 9) if self.chance(0.1) else None, status=status,
            billing_info_at=self.as_of + timedelta(days=random.randint(-400, 3)) if billed else None,
            anchor=anchor, time_zone=zone, months_elapsed=elapsed, period_start=start, period_end=end,
            trial_end=end if status == 'trialing' else start if self.chance(0.1) else None,
            cancel_requested_at=start if status == 'pending_cancellation' else None,
            ended_at=end if ended else None, end_reason='cancelled' if ended else None,
            hold_reason=None, held_at=None,
            catch_up_allowed=lasting and self.chance(0.6 if behind > 2 else 0.03), revision=random.choice([0, 1, 17]))

    def spoil(self, row):
        """One row in eight is held, imported or wrong; at most one such thing a row, so that one reason is right."""
        dice = self.random.random()
        renewable = row.status == 'active' or row.status == 'trialing' and row.billing_info_at is not None
        interval = self.prices[row.next_price_id or row.price_id].interval
        if row.status == 'expired' or dice > 0.13:
            return row
        if dice < 0.03:
            return replace(row, hold_reason=self.random.choice(HOLDS), held_at=self.as_of - timedelta(days=3))
        if dice < 0.06:
            # An import brings its own end of the period, not one counted from the anchor.
            end = row.period_end + timedelta(hours=self.random.randint(-200, 200))
            return replace(row, period_end=end, trial_end=end if row.status == 'trialing' else row.trial_end)
        if dice < 0.075 and row.status == 'active' and row.months_elapsed >= interval:
            return replace(row, months_elapsed=row.months_elapsed - interval)
        if dice < 0.08 and row.status == 'active':
            return replace(row, months_elapsed=12900 + self.random.randint(0, 200))
        if dice < 0.095 and row.period_end < LATEST - timedelta(days=100):
            return replace(row, next_price_id=5, next_quantity=self.random.choice([1, 2, 9999, 2 ** 31 - 1]))
        if dice < 0.105 and renewable and self.current(row, interval):
            return replace(row, next_price_id=LOST_PRICE)
        if dice < 0.115 and row.status == 'pending_cancellation':
            return replace(row, next_price_id=LOST_PRICE, time_zone=LOST_ZONE)
        if dice < 0.125 and renewable and self.current(row, interval):
            return replace(row, time_zone=LOST_ZONE)
        return row

    def current(self, row, interval):
        """Whether a row is so little behind that the limit cannot be what holds it."""
        return add_months(row.period_end, interval) > self.as_of

    def edges(self):
        """Rows just on one side of a limit or the other, which chance would miss."""
        moment, tick = self.as_of, timedelta(microseconds=1)
        monthly = next(i for i, p in self.prices.items() if p.interval == 1 and p.unit_amount > 0)
        base = replace(self.sound(), status='active', price_id=monthly, next_price_id=None, quantity=1,
                       next_quantity=None, time_zone='UTC', trial_end=None, cancel_requested_at=None,
                       ended_at=None, end_reason=None,
                       catch_up_allowed=False, billing_info_at=None)

        def monthly_row(end, **changes):
            self.last_id += 1
            facts = {'anchor': add_months(end, -1), 'months_elapsed': 1, **changes}
            return replace(base, subscription_id=self.last_id, period_start=add_months(end, -1), period_end=end,
                           **facts)

        return [monthly_row(moment), monthly_row(moment - tick), monthly_row(moment + tick),
                monthly_row(add_months(moment, -3)), monthly_row(add_months(moment, -3) + tick),
                monthly_row(add_months(moment, -3), catch_up_allowed=True),
                monthly_row(add_months(moment, -64), catch_up_allowed=True),
                monthly_row(moment, catch_up_allowed=True), monthly_row(moment + tick, catch_up_allowed=True),
                monthly_row(moment, price_id=5), monthly_row(moment, price_id=5, quantity=2),
                monthly_row(moment, next_price_id=5, next_quantity=1),
                # The next end is the last instant that the tables take, and the one after it.
                monthly_row(moment, anchor=datetime(2000, 1, 1), months_elapsed=11999),
                monthly_row(moment, anchor=datetime(2000, 1, 1) + tick, months_elapsed=11999),
                *(monthly_row(moment - timedelta(days=1)) for _ in range(20))]


def make_case(name, random, as_of, count, accounts):
    maker = Generator(random, as_of, accounts)
    rows = [maker.subscription() for _ in range(count)] + maker.edges()
    random.shuffle(rows)
    return Case(name, as_of, maker.accounts, maker.prices, rows)
