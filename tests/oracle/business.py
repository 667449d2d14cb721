"""business: a year and more of a random business, made through the front door: the customers' functions, imports, runs.

Dates like to lie on the first instant of a day somewhere, and of a month most of all, or just before it.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import harness
from months import boundary, iso_text, pg_text, to_wall
from rules import bucket_of
from tables import DAY, month_after

START, END = datetime(2024, 10, 20), datetime(2026, 2, 12)
ZONES = ['UTC', 'Europe/Paris', 'America/New_York', 'Pacific/Auckland', 'America/Havana']
TICK, HOUR = timedelta(microseconds=1), timedelta(hours=1)
ACCOUNTS, NAMED = 60, 10 ** 6  # ids from there on are given here, those below by the database
MAX_PERIODS = 3

PLANS = ['free', 'basic', 'pro', 'team']
# plan, currency, unit amount, months.  Some are half a minor unit more by the month: a wrong rounding would show.
PRICES = [('free', 'EUR', 0, 1), ('free', 'EUR', 0, 12), ('basic', 'EUR', 999, 1), ('basic', 'EUR', 1099, 1),
          ('basic', 'EUR', 9990, 12), ('pro', 'EUR', 2999, 1), ('pro', 'EUR', 8900, 3), ('pro', 'EUR', 30006, 12),
          ('team', 'EUR', 1, 1), ('team', 'EUR', 1, 3), ('team', 'EUR', 1, 12), ('team', 'EUR', 90000000000006, 12),
          ('free', 'JPY', 0, 1), ('basic', 'JPY', 1500, 1), ('basic', 'JPY', 16026, 12), ('pro', 'JPY', 4001, 3),
          ('basic', 'KWD', 3000, 1), ('pro', 'KWD', 9500, 1), ('pro', 'KWD', 100002, 12), ('free', 'KWD', 0, 3)]
PRICE = {number: dict(zip(('plan', 'currency', 'unit_amount', 'months'), price))
         for number, price in enumerate(PRICES, 1)}

# When Havana turns its clocks back from one to midnight, which so comes twice.
BUSY_DAYS = [date(2024, 11, 3), date(2025, 11, 2)]

# Sold elsewhere for 120.00.
EXAMPLE_AT, EXAMPLE_END = datetime(2025, 6, 15), datetime(2025, 10, 13)

KINDS = ['active', 'pending_cancellation', 'trialing', 'cancelled trial', 'active', 'expired']

# Each subscription with the date of its last entry.
STATE = '''
SELECT s.*, p.currency, greatest(
    (SELECT max(at) FROM perennial.event e WHERE e.subscription_id = s.subscription_id),
    (SELECT max(o.period_end) FROM perennial.outcome o WHERE o.subscription_id = s.subscription_id), s.ended_at) AS last
FROM perennial.subscription s JOIN perennial.price p USING (price_id) ORDER BY subscription_id'''

# README's, at an instant of the past.
RELEASE = '''
WITH s AS (
    UPDATE perennial.subscription
    SET hold_reason = NULL, held_at = NULL, catch_up_allowed = {catch_up}, revision = revision + 1
    WHERE subscription_id = {id} AND hold_reason IS NOT NULL
    RETURNING *)
INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, from_status, to_status,
    period_start, period_end, price_id, next_price_id, quantity, next_quantity, detail)
SELECT bucket, subscription_id, account_id, revision, 'released', '{at}', 'operator', status, status,
    period_start, period_end, price_id, next_price_id, quantity, next_quantity, 'released by hand' FROM s;
'''


def first_instant(day, zone):
    """When a day begins; where clocks turn back at midnight, the first time that they show it."""
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return local.astimezone(ZoneInfo('UTC')).replace(tzinfo=None)


def parsed(text):
    """An instant of the database, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=None)


def text(moment):
    return pg_text(moment) if isinstance(moment, datetime) else '' if moment is None else moment


class Business:
    """Fills one database, round by round."""

    def __init__(self, database, dice):
        self.database, self.dice = database, dice
        self.program = harness.Program(database, MAX_PERIODS)
        self.named = NAMED
        self.codes = []  # of all runs

    def chance(self, probability):
        return self.dice.random() < probability

    def moment(self, first, last, zone=None):
        """Between two instants: often where a day or a month begins, at times just before."""
        found = None
        kind = self.dice.random()
        if kind < 0.5:
            day = (first + (last - first) * self.dice.random()).date()
            if kind < 0.3:
                day = month_after(day)
            found = first_instant(day, zone or self.dice.choice(ZONES)) + self.dice.choice(
                [0 * DAY, 0 * DAY, 0 * DAY, -TICK, TICK, HOUR / 2])
        if found is None or not first <= found <= last:
            found = first + timedelta(seconds=int((last - first).total_seconds() * self.dice.random()),
                                      microseconds=self.dice.choice([0, 123456]))
        return found

    def price(self, currency=None):
        """By the month most often."""
        fit = [n for n, p in PRICE.items() if currency in (None, p['currency'])]
        return self.dice.choices(fit, [4 if PRICE[n]['months'] == 1 else 1.5 for n in fit])[0]

    def quantity(self):
        return self.dice.choice([1, 1, 1, 2, 3, 7, 11])

    def set_up(self):
        """Plans, prices and accounts, and what was there before there was a history."""
        self.database.load({
            'plan': [{'plan_id': n, 'code': code, 'name': code.title()} for n, code in enumerate(PLANS, 1)],
            'price': [{'price_id': n, 'plan_id': PLANS.index(p['plan']) + 1, 'currency': p['currency'],
                       'unit_amount': p['unit_amount'], 'interval_months': p['months']} for n, p in PRICE.items()],
            'account': [{'bucket': bucket_of(n), 'account_id': n, 'name': f'Account {n}'}
                        for n in range(1, ACCOUNTS + 1)]})
        rows = []
        for number in range(70):
            row = self.sold(START - 20 * DAY * self.dice.random(), KINDS[number % len(KINDS)])
            if number % 5 == 0 and row['status'] != 'expired':
                row.update(hold_reason='payment_dispute', held_at=pg_text(START - 3 * DAY),
                           trial_end=row['trial_end'] or row['period_start'])
            months = row.pop('months_elapsed')
            row.pop('billed_amount')
            rows.append({'bucket': bucket_of(row['account_id']), 'hold_reason': '', 'held_at': '', 'revision': 0,
                         **row, 'months_elapsed': months or 0})
        columns = list(rows[1])
        self.database.load({'subscription': [{c: row[c] for c in columns} for row in rows]})

    def sold(self, start, kind, hours=None):
        """A subscription that was sold elsewhere, as a row for import; start is that of its running period."""
        price_id, zone = self.price(), self.dice.choice(ZONES)
        price = PRICE[price_id]
        anchor = to_wall(start, zone)
        months = price['months']
        end, elapsed = boundary(anchor, zone, months), ''
        trial = kind in ('trialing', 'cancelled trial') or kind == 'expired' and self.chance(0.3)
        if trial:
            end = self.moment(start + DAY, start + 40 * DAY)
            elapsed = 0
        elif hours or self.chance(0.2):
            # A period of some hours, or that is some hours short, so that the next one has as many.
            short = (hours or self.dice.choice([1, 5, 30])) * HOUR
            end, elapsed = start + short if hours else self.dice.choice([start + short, end - short]), 0
        quantity = self.quantity()
        changes = kind == 'active' and elapsed == '' and self.chance(0.3)
        paid = kind in ('active', 'pending_cancellation')
        self.named += 1
        return {k: text(v) for k, v in {
            'subscription_id': self.named, 'account_id': self.dice.randint(1, ACCOUNTS), 'price_id': price_id,
            'next_price_id': self.price(price['currency']) if changes else None, 'quantity': quantity,
            'next_quantity': self.quantity() if changes and self.chance(0.5) else None,
            'status': 'pending_cancellation' if kind == 'cancelled trial' else kind,
            'billing_info_at': start if self.chance(0.5) else None,
            'anchor': pg_text(end if trial else anchor, ''), 'time_zone': zone, 'months_elapsed': elapsed,
            'period_start': start, 'period_end': end,
            'trial_end': end if trial else start if self.chance(0.3) else None,
            'cancel_requested_at': start if 'cancel' in kind else None,
            'ended_at': end if kind == 'expired' else None,
            'end_reason': ('trial_ended' if trial else 'cancelled') if kind == 'expired' else None,
            'billed_amount': price['unit_amount'] * quantity if paid and self.chance(0.85) else None}.items()}

    def take_over(self, at):
        """Imports a lot: running, overdue, to begin later, ended long ago."""
        self.skip_ids()
        rows = []
        for _ in range(45):
            near = self.dice.choices(
                [at - 25 * DAY * self.dice.random(), at - 70 * DAY * self.dice.random(),
                 at - 400 * DAY * self.dice.random(), at + 40 * DAY * self.dice.random(), at], [8, 4, 2, 1, 1])[0]
            start = self.moment(near - DAY, near + DAY) if self.chance(0.5) else near
            rows.append(self.sold(start, self.dice.choice(['active'] * 5 + KINDS)))
        # Less than a day on the first of a month.
        month = month_after(at.date())
        rows += [self.sold(first_instant(month, zone), 'active', hours) for zone in ZONES for hours in (2, 20)]
        self.bring_in(rows, at)

    def skip_ids(self):
        """The database continues behind what was imported."""
        self.named = int(self.database.rows('SELECT max(subscription_id) AS id FROM perennial.subscription')[0]['id'])

    def bring_in(self, rows, at):
        self.database.load({'import_subscription': rows})
        answer = self.database.rows(f"SELECT * FROM perennial.import_subscriptions('{pg_text(at)}')")[0]
        if answer['refused'] != '0':
            raise RuntimeError(self.database.psql('SELECT subscription_id, refused FROM perennial.import_subscription'))

    def example(self):
        """The example of which everybody knows what is earned when; answers its id."""
        self.skip_ids()
        price_id = next(n for n, p in PRICE.items() if p['currency'] == 'EUR' and p['months'] == 3)
        row = dict.fromkeys(self.sold(EXAMPLE_AT, 'active'), '') | {
            'subscription_id': self.named, 'account_id': 1, 'price_id': price_id, 'quantity': 1, 'status': 'active',
            'anchor': pg_text(EXAMPLE_AT, ''), 'time_zone': 'UTC', 'period_start': pg_text(EXAMPLE_AT),
            'period_end': pg_text(EXAMPLE_END), 'billed_amount': 12000}
        self.bring_in([row], EXAMPLE_AT)
        return str(self.named)

    def acts(self, first, last):
        """What customers and operators do between two instants."""
        # In each zone somebody buys when a day begins there, and half an hour later.
        calls = [(at, f"subscribe({number}, {self.price()}, 1, '{zone}', %s)")
                 for day in BUSY_DAYS for number, zone in enumerate(ZONES, 1)
                 for at in (first_instant(day, zone), first_instant(day, zone) + HOUR / 2) if first < at <= last]
        for _ in range(self.dice.randint(4, 9)):
            zone = self.dice.choice(ZONES)
            at = self.moment(first, last, zone)
            if self.chance(0.08):
                at = self.moment(first - 190 * DAY, first - 40 * DAY)  # late or too far behind at once
            who = f'{self.dice.randint(1, ACCOUNTS)}, {self.price()}, {self.quantity()}'
            if self.chance(0.6):
                calls.append((at, f"subscribe({who}, '{zone}', %s)"))
            else:
                info = self.dice.choice(['true', 'false'])
                calls.append((at, f"start_trial({who}, {self.dice.choice([1, 7, 14, 30])}, '{zone}', {info}, %s)"))
        for row in self.database.rows(STATE):
            if int(row['subscription_id']) % 4 == 0:
                continue  # nobody ever touches it
            since = max(parsed(row['last']), START) if row['last'] else START
            since = since if self.chance(0.05) else max(since, first)
            if since >= last or not self.chance(0.6 if row['status'] in ('pending_cancellation', 'expired') else 0.22):
                continue
            calls += self.acts_on(row, self.moment(since, last), last)
        return ''.join(call if 'WITH' in call else
                       'SELECT perennial.' + call.replace('%s', f"'{pg_text(at)}'") + ' AS done \\gset\n'
                       for at, call in sorted(calls))

    def acts_on(self, row, at, last):
        """One or two steps of one subscription."""
        number, status = row['subscription_id'], row['status']
        who = f"{row['account_id']}, {number}"
        if row['hold_reason'] and self.chance(0.5):
            return [(at, RELEASE.format(id=number, at=pg_text(at), catch_up=self.dice.choice(['true', 'false'])))]
        if status == 'expired':
            return [(at, f"reactivate({who}, {self.price(row['currency'])}, %s)")]
        later = self.moment(at, last)
        kind = self.dice.choice(['change', 'info', 'end', 'end'])
        if kind == 'change':
            to = self.dice.choice(['NULL', self.price(row['currency']), self.price(row['currency'])])
            calls = [(at, f"schedule_change({who}, {to}, {self.dice.choice(['NULL', self.quantity()])}, %s)")]
            if self.chance(0.2):
                calls.append((later, f'schedule_change({who}, NULL, NULL, %s)'))
            return calls
        if kind == 'info':
            return [(at, f"{'clear' if row['billing_info_at'] else 'set'}_billing_info({who}, %s)")]
        if status == 'pending_cancellation':
            return [(at, f'withdraw_cancellation({who}, %s)')] if self.chance(0.6) else []
        return [(at, f'cancel({who}, %s)')] + (
            [(later, f'withdraw_cancellation({who}, %s)')] if self.chance(0.25) else [])

    def run(self, as_of, *options):
        done = self.program('run', '--as-of', iso_text(as_of), *options)
        if done.returncode not in (0, 10, 11):
            raise RuntimeError(done.stderr)
        self.codes.append(done.returncode)

    def whole(self):
        """Rounds of some weeks with a run after each, now and then a longer one without."""
        self.set_up()
        now, number = START, 0
        while now < END:
            days = self.dice.choice([3, 10, 20, 25, 30, 33, 70])
            end = min(self.moment(now + DAY * days / 2, now + DAY * days), END)
            if number % 5 == 0:
                self.take_over(self.moment(now, now + (end - now) / 3))
            self.database.psql(self.acts(now, end))
            if number == 6:
                self.run(end, '--limit', '4')
            if number % 4 == 3:
                self.run(end - (end - now) / 2)  # as of before some of what was done meanwhile
            self.run(end)
            now, number = end, number + 1
        example = self.example()
        self.database.psql(
            self.acts(END, END + 20 * DAY) +  # what no run has seen
            'INSERT INTO perennial.run (as_of, started_at, host, invocation_id) '
            f"VALUES ('{pg_text(END)}', now() - interval '1 hour', 'a host that died', 'e1a7');\nANALYZE;")
        return example
