#!/usr/bin/python3
"""customers_test: random calls of the customer API between runs, over two and a half years, and an independent model.

After every run the whole state is compared, and every call's result or SQLSTATE.  PERENNIAL_SEED repeats a failure;
without it the seeds are fixed.
"""

import csv
import io
import os
import random
import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple

sys.dont_write_bytecode = True  # the checkout stays clean

import harness
from customers import MESSAGES, NO_ZONES, Customers
from generate import LARGEST, LOST_PRICE, LOST_ZONE, ZONES, make_prices
from months import EARLIEST, add_months, boundary, iso_text, pg_text, to_utc, to_wall, transitions
from rules import MOST_AMOUNT, Price, Subscription, bucket_of

MAX_PERIODS = 3
SEEDS = [int(os.environ['PERENNIAL_SEED'])] if 'PERENNIAL_SEED' in os.environ else [20210131, 20240229]
START, END = datetime(2021, 9, 4, 9), datetime(2024, 4, 2)
ACCOUNTS, SUBSCRIPTIONS = 60, 200
ODD_PRICE = 2  # seven times this is one more than an amount may be
TICK, DAY = timedelta(microseconds=1), timedelta(days=1)

ARGUMENTS = {
    'put_account': ['account_id', 'kind', 'name', 'billing_email', 'representative_email', 'locale'],
    'subscriptions_of': ['account_id'],
    'subscribe': ['account_id', 'price_id', 'quantity', 'time_zone', 'at'],
    'start_trial': ['account_id', 'price_id', 'quantity', 'days', 'time_zone', 'billing_info', 'at'],
    'cancel': ['account_id', 'subscription_id', 'at'],
    'withdraw_cancellation': ['account_id', 'subscription_id', 'at'],
    'reactivate': ['account_id', 'subscription_id', 'price_id', 'at'],
    'set_billing_info': ['account_id', 'subscription_id', 'at'],
    'clear_billing_info': ['account_id', 'subscription_id', 'at'],
    'schedule_change': ['account_id', 'subscription_id', 'price_id', 'quantity', 'at']}
WEIGHTS = {'put_account': 5, 'subscriptions_of': 4, 'subscribe': 10, 'start_trial': 11, 'cancel': 14,
           'withdraw_cancellation': 9, 'reactivate': 9, 'set_billing_info': 8, 'clear_billing_info': 7,
           'schedule_change': 16}

# How the answer is written whatever the session's zone; all others as they are.
ANSWERS = {'cancel': "({} AT TIME ZONE 'UTC')", 'reactivate': "({} AT TIME ZONE 'UTC')",
           'subscriptions_of': '(SELECT count(*) FROM {})'}

# The states in which a call does something; elsewhere it is refused or changes nothing.
STATES = {'cancel': ['active', 'trialing'], 'withdraw_cancellation': ['pending_cancellation'],
          'reactivate': ['expired'], 'set_billing_info': ['active', 'trialing', 'trialing', 'pending_cancellation'],
          'clear_billing_info': ['active', 'trialing', 'trialing', 'pending_cancellation'],
          'schedule_change': ['active', 'active', 'trialing', 'pending_cancellation']}

# What has to happen in every play, or it would prove less than it says.
SITUATIONS = [
    *((name, code) for name, arguments in ARGUMENTS.items() for code in ('00000', '22023')),
    *((name, 'PR001') for name in ARGUMENTS if name != 'put_account'),
    *((name, 'PR002') for name in STATES),
    *((name, 'nothing new') for name in STATES if name != 'reactivate'),
    *(('run', kind) for kind in ('renewed', 'converted', 'expired', 'trial_expired', 'held'))]

TABLES = {  # what is compared of each, and its key
    'account': ('SELECT * FROM perennial.account', ['account_id']),
    'subscription': ('SELECT * FROM perennial.subscription', ['bucket', 'subscription_id']),
    'outcome': (
        'SELECT bucket, subscription_id, account_id, revision, kind, rule, from_status, to_status, period_start, '
        'period_end, next_period_start, next_period_end, price_id, quantity, unit_amount, amount, currency, as_of '
        'FROM perennial.outcome LEFT JOIN (SELECT run_id, as_of FROM perennial.run) r USING (run_id)',
        ['bucket', 'subscription_id', 'period_end']),
    'event': (
        'SELECT bucket, subscription_id, account_id, revision, kind, at, from_status, to_status, period_start, '
        'period_end, price_id, next_price_id, quantity, next_quantity, unit_amount, amount, currency, reason, detail, '
        'sqlstate, as_of FROM perennial.event LEFT JOIN (SELECT run_id, as_of FROM perennial.run) r USING (run_id)',
        ['bucket', 'subscription_id', 'revision']),
    'notification_job': (
        'SELECT j.bucket, j.subscription_id, j.account_id, j.kind, j.boundary, '
        'CASE event_id WHEN 0 THEN 0 ELSE e.revision END AS event, j.state, j.attempts '
        'FROM perennial.notification_job j LEFT JOIN perennial.event e USING (bucket, subscription_id, event_id)',
        ['bucket', 'subscription_id', 'kind', 'boundary', 'event'])}


class Call(NamedTuple):
    number: int
    name: str
    arguments: list

    @property
    def founds(self):
        return self.name in ('subscribe', 'start_trial')

    def __str__(self):
        return f"call {self.number}: {self.name}({', '.join(map(str, self.arguments))})"


class Play:
    """Draws calls that mostly make sense after what the model has seen so far."""

    def __init__(self, dice, model):
        self.dice = dice
        self.model = model
        # Sequential ids, ids that begin with a time, and some that share their bucket with a sequential one.
        self.accounts = [(n + 1, 256 + (n ^ 1), (1 << 55) + n * 7919 * 65537)[n % 3] for n in range(ACCOUNTS)]
        self.jumps = {zone: self.near_jumps(zone) for zone in ZONES}
        self.calls = 0
        self.last = {}  # call about each subscription
        self.wrong = {name: self.wrong_arguments(name) for name in ARGUMENTS}

    def chance(self, probability):
        return self.dice.random() < probability

    def call(self, name, *arguments):
        self.calls += 1
        return Call(self.calls, name, list(arguments))

    def old_rows(self):
        """Some that were there before there was a history: their own dates are all that is known of them."""
        rows = []
        for number in range(10 ** 6, 10 ** 6 + 15):
            account_id, zone, price_id = self.dice.choice(self.accounts), self.dice.choice(ZONES), self.price()
            start = START - self.dice.randint(1, 25) * DAY
            anchor = to_wall(start, zone)
            end = boundary(anchor, zone, 1)
            expired = number % 3 > 0
            rows.append(Subscription(
                bucket=bucket_of(account_id), subscription_id=number, account_id=account_id, price_id=price_id,
                next_price_id=None, quantity=1, next_quantity=None, status='expired' if expired else 'active',
                billing_info_at=None, anchor=anchor, time_zone=zone, months_elapsed=1, period_start=start,
                period_end=end, trial_end=None, cancel_requested_at=start if expired else None,
                ended_at=end if expired else None, end_reason='cancelled' if expired else None, hold_reason=None,
                held_at=None, catch_up_allowed=False, revision=0))
        return rows

    def near_jumps(self, zone):
        """The instants from which a coming boundary falls into a gap or an overlap, or just on its edge."""
        return sorted({to_utc(add_months(wall, -months), zone)
                       for low, high in transitions(zone, START - 200 * DAY, END + 400 * DAY)
                       for wall in (low, low + (high - low) / 2, low + (high - low) / 3, high - TICK, high)
                       for months in range(1, 13)})

    def instant(self, first, last, zone='UTC'):
        """Between two instants: often the end of a month, or where clocks jump on a coming boundary."""
        found = None
        kind = self.dice.random()
        if kind < 0.3:
            jumps = self.jumps[zone]
            near = jumps[bisect_left(jumps, first):bisect_right(jumps, last)]
            found = self.dice.choice(near) if near else None
        elif kind < 0.65:
            wall = to_wall(first + (last - first) * self.dice.random(), zone)
            wall = add_months(wall.replace(day=1), 1) - self.dice.choice([DAY, DAY, 2 * DAY, 3 * DAY])
            clock = self.dice.choice([(0, 0, 0, 0), (0, 0, 0, 0), (0, 30, 0, 0), (2, 30, 0, 0), (23, 59, 59, 999999)])
            found = to_utc(datetime(wall.year, wall.month, wall.day, *clock), zone)
        if found and first <= found <= last:
            return found
        return first + timedelta(seconds=int((last - first).total_seconds() * self.dice.random()),
                                 microseconds=self.dice.choice([0, 0, 0, self.dice.randint(0, 999999)]))

    def price(self, currency=None):
        """Monthly prices most often, and rarely those that overflow."""
        prices = {i: p for i, p in self.model.prices.items() if currency in (None, p.currency)}
        weights = [0.5 if p is LARGEST or i == ODD_PRICE else 8 if p.interval == 1 else 3 for i, p in prices.items()]
        return self.dice.choices(list(prices), weights)[0]

    def quantity(self):
        return self.dice.choices([1, 2, self.dice.randint(3, 40), 2 ** 31 - 1], [60, 20, 20, 1])[0]

    def round(self, first, last):
        """The calls between two instants, mostly in order of time."""
        count = self.dice.randint(30, 70)
        moments = sorted(self.instant(first, last) for _ in range(count))
        for moment in moments:
            weights = dict(WEIGHTS)
            if len(self.model.rows) >= SUBSCRIPTIONS:
                weights.update(subscribe=1, start_trial=1)
            name = self.dice.choices(list(weights), weights.values())[0]
            call = self.draw(name, first, moment, last)
            yield self.spoil(call) if self.chance(0.1) else call

    def draw(self, name, *instants):
        return getattr(self, name, lambda *i: self.about_one(name, *i))(*instants)

    def put_account(self, *_, account_id=None):
        account_id = account_id or self.dice.choice(self.accounts)
        kind = self.dice.choice(['online', 'online', 'corporate'])
        billing, other = f'a{self.calls}@example.com', f'r{self.calls}@example.org'
        if self.chance(0.5):
            billing, other = (billing, None) if kind == 'online' else (None, other)
        return self.call('put_account', account_id, kind, f"Name O'{self.calls}", billing, other,
                         self.dice.choice(['en', 'de', 'pt_BR']))

    def subscriptions_of(self, *_):
        return self.call('subscriptions_of', self.dice.choice(self.accounts))

    def new_at(self, first, last):
        """When a new one starts: seldom so long ago that it is late or too far behind at once."""
        zone = self.dice.choice(ZONES)
        if self.chance(0.08):
            first = last = first - self.dice.randint(40, 190) * DAY
        return zone, self.instant(first, last, zone)

    def subscribe(self, first, _, last):
        zone, at = self.new_at(first, last)
        return self.call('subscribe', self.dice.choice(self.accounts), self.price(), self.quantity(), zone, at)

    def start_trial(self, first, _, last):
        zone, at = self.new_at(first, last)
        days = self.dice.choice([1, 7, 14, 14, 30, 30, 31, 60, 180, 365])
        return self.call('start_trial', self.dice.choice(self.accounts), self.price(), self.quantity(), days, zone,
                         self.chance(0.5), at)

    def about_one(self, name, first, moment, last):
        """A call about a subscription that is there; mostly one in a state where it does something."""
        rows = list(self.model.rows.values())
        wanted = 'expired' if self.chance(0.07) else self.dice.choice(STATES[name])
        fit = [r for r in rows if r.status == wanted and (
            'billing' not in name or (r.billing_info_at is None) == name.startswith('set'))]
        rows = fit if fit and self.chance(0.85) else rows
        if self.chance(0.3):
            rows = [r for r in rows if r.catch_up_allowed] or rows  # rare, so that chance would miss it
        row = self.dice.choice(rows[-25:] if self.chance(0.3) else rows)
        number = row.subscription_id
        if number in self.last and self.chance(0.12):
            name, arguments = self.last[number].name, list(self.last[number].arguments)
            if self.chance(0.7):
                arguments[-1] = moment
            return self.call(name, *arguments)
        arguments = [row.account_id, number]
        if name in ('reactivate', 'schedule_change'):
            currency = self.model.prices[row.price_id].currency
            largest = next(i for i, p in self.model.prices.items() if p is LARGEST)
            choices = [self.price(currency), row.price_id, largest if currency == LARGEST.currency else row.price_id,
                       None if name == 'schedule_change' else row.price_id]
            arguments.append(self.dice.choices(choices, [6, 2, 1, 4])[0])
        if name == 'schedule_change':
            known = [row.quantity, row.next_quantity, row.quantity % 40 + 1]
            arguments.append(self.dice.choice([None, None, self.quantity(), *known]))
        self.last[number] = self.call(name, *arguments, self.call_at(row, first, moment, last))
        return self.last[number]

    def call_at(self, row, first, moment, last):
        latest = self.model.latest[row.subscription_id]
        edges = [latest, latest - TICK, row.period_end, row.period_end - TICK, row.period_end + TICK,
                 latest - 30 * DAY * self.dice.random(),
                 self.instant(max(first, latest), max(last, latest), row.time_zone)]
        edges = [at for at in edges if at <= last]
        return self.dice.choice(edges) if edges and self.chance(0.3) else moment

    def wrong_arguments(self, name):
        """Every wrong argument that a call is tried with: its place, and the value or how to find one."""
        nulls = [] if name == 'schedule_change' else [None]
        wrong = {'account_id': [self.neighbour, self.another, 424242, None], 'subscription_id': [-1, 10 ** 15, None],
                 'price_id': [LOST_PRICE, *nulls], 'quantity': [0, -1, self.far_too_many, self.one_too_much, *nulls],
                 'days': [0, -1, 2 ** 31 - 1, None], 'time_zone': [LOST_ZONE, *NO_ZONES, None], 'billing_info': [None],
                 'kind': ['private', None], 'name': ['', None], 'billing_email': ['nobody', self.unaddressed],
                 'representative_email': ['nobody', self.unrepresented], 'locale': ['', None],
                 'at': [None, 'infinity', '-infinity', datetime(1899, 12, 1), datetime(3000, 2, 1)]}
        if name in ('put_account', 'subscriptions_of', 'subscribe', 'start_trial'):
            wrong['account_id'] = [None] if name == 'put_account' else [424242, None]
            wrong['at'].append(datetime(2999, 12, 31, 12))
        else:
            wrong['at'].append(START - 900 * DAY)
            wrong['price_id'].append(self.foreign_price)
        cards = [(place, value) for place, argument in enumerate(ARGUMENTS[name]) for value in wrong[argument]]
        self.dice.shuffle(cards)
        return cards

    def another(self, call):
        owner = self.model.rows[call.arguments[1]].account_id
        return self.dice.choice([a for a in self.accounts if a != owner])

    def neighbour(self, call):
        """Another account of the same bucket."""
        row = self.model.rows[call.arguments[1]]
        near = [a for a in self.accounts if a != row.account_id and bucket_of(a) == row.bucket]
        return self.dice.choice(near) if near else self.another(call)

    def foreign_price(self, call):
        own = self.model.prices[self.model.rows[call.arguments[1]].price_id].currency
        return self.dice.choice([i for i, p in self.model.prices.items() if p.currency != own])

    def unaddressed(self, call):
        call.arguments[1], call.arguments[4] = 'online', 'r@example.org'

    def unrepresented(self, call):
        call.arguments[1], call.arguments[3] = 'corporate', 'a@example.com'

    def far_too_many(self, call):
        call.arguments[ARGUMENTS[call.name].index('price_id')] = next(
            i for i, p in self.model.prices.items() if p is LARGEST)
        return 2

    def one_too_much(self, call):
        call.arguments[ARGUMENTS[call.name].index('price_id')] = ODD_PRICE
        return 7

    def spoil(self, call):
        """Makes one argument wrong: each of those that there are once before any comes again."""
        if not self.wrong[call.name]:
            self.wrong[call.name] = self.wrong_arguments(call.name)
        if call.name in STATES and call.arguments[1] not in self.model.rows:
            return call  # wrong as it is: one that was made before
        place, value = self.wrong[call.name].pop()
        call.arguments[place] = value(call) if callable(value) else value
        return call

    def rest(self, first, last):
        """The wrong arguments that have not been tried yet, and each call in a state that it is not made for."""
        for name in self.wrong:
            while self.wrong[name]:
                yield self.spoil(self.draw(name, first, last, last))
        for name in STATES:
            unfit = [r for r in self.model.rows.values() if (r.status == 'expired') != (name == 'reactivate')]
            row = self.dice.choice(unfit)
            yield self.call(name, row.account_id, row.subscription_id,
                            *{'reactivate': [row.price_id], 'schedule_change': [row.price_id, 1]}.get(name, []), last)


def literal(value):
    if value is None:
        return 'NULL'
    if isinstance(value, (bool, int)):
        return str(value).lower()
    return "'" + (pg_text(value) if isinstance(value, datetime) else value.replace("'", "''")) + "'"


def sql_of(call, ids, model):
    """Statements for psql that end by printing the call's number, its SQLSTATE and its answer."""
    arguments = []
    for name, value in zip(ARGUMENTS[call.name], call.arguments):
        if name == 'subscription_id' and value in model.rows:
            arguments.append(ids.get(value, f':id{value}'))
        else:
            arguments.append(literal(value))
    answer = ANSWERS.get(call.name, '{}').format(f"perennial.{call.name}({', '.join(arguments)})")
    return (f'\\set answer \'\'\nSELECT {answer} AS answer \\gset\n\\echo {call.number},:SQLSTATE,:answer\n'
            + (f'\\set id{call.number} :answer\n' if call.founds else ''))


def copy_of(query):
    return f'COPY ({query}) TO STDOUT (FORMAT csv, HEADER);\n'


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


class Scene:
    """One play against one database."""

    def __init__(self, tap, database, seed):
        self.tap = tap
        self.database = database
        self.name = f'seed {seed}'
        self.dice = random.Random(seed)
        prices = {**make_prices(), ODD_PRICE: Price('EUR', (MOST_AMOUNT + 1) // 7, 1)}
        self.model = Customers(prices, MAX_PERIODS)
        self.play = Play(self.dice, self.model)
        self.program = harness.Program(database, MAX_PERIODS)
        self.ids = {}  # of each subscription, as text
        self.seen = Counter()
        self.runs = 0

    def set_up(self):
        old = self.play.old_rows()
        self.model.rows = {r.subscription_id: r for r in old}
        self.model.latest = {r.subscription_id: EARLIEST for r in old}
        self.ids = {r.subscription_id: str(r.subscription_id) for r in old}
        for account_id in {r.account_id for r in old}:
            self.model.answer(self.play.put_account(account_id=account_id))
        self.database.load({
            'plan': [{'plan_id': n, 'code': f'plan{n}', 'name': f'Plan {n}'} for n in (1, 2)],
            'price': [{'price_id': i, 'plan_id': 1 + i % 2, 'currency': p.currency, 'unit_amount': p.unit_amount,
                       'interval_months': p.interval} for i, p in self.model.prices.items()],
            'account': list(self.model.accounts.values()), 'subscription': self.model.subscriptions()})
        # A few are put later on, or never.
        return self.perform('to begin with', [
            self.play.put_account(account_id=a) for a in self.play.accounts[:ACCOUNTS - 6]])

    def perform(self, name, calls):
        """Makes the calls in one session, in the model as soon as they are drawn, and compares the answers.

        Then, in the same session, some accounts look at their subscriptions.
        """
        script = ['SET ROLE perennial_app;', f"SET TimeZone = '{self.dice.choice(ZONES)}';",
                  '\\set VERBOSITY sqlstate', '\\set ON_ERROR_STOP off']  # an error is an answer here
        wanted = []
        for call in calls:
            before = len(self.model.events)
            codes, answer = self.model.answer(call)
            wanted.append((call, codes, answer))
            self.seen.update((call.name, code) for code in codes)
            if call.name in STATES and codes == {'00000'} and len(self.model.events) == before:
                self.seen[call.name, 'nothing new'] += 1
            script.append(sql_of(call, self.ids, self.model))
        accounts = self.dice.sample(list(self.model.accounts), 15)
        script += ["SET TimeZone = 'UTC';", '\\echo views', copy_of(
            f"SELECT a AS account_id, s.* FROM unnest(ARRAY[{', '.join(map(str, accounts))}]) a "
            'CROSS JOIN LATERAL perennial.subscriptions_of(a) s')]
        answers, views = self.database.psql('\n'.join(script)).split('views\n')
        good = self.same_answers(name, wanted, answers.splitlines())
        return self.same_views(name, accounts, rows_of(views)) and good

    def same_answers(self, name, wanted, lines):
        given = dict(line.split(',', 1) for line in lines)
        notes = []
        for call, codes, answer in wanted:
            code, _, result = given.get(str(call.number), '').partition(',')
            good = code in codes and (answer is None or result == answer)
            if good and answer is None:
                good = result.isdecimal() and result not in self.ids.values()
                self.ids[call.number] = result
            if not good:
                notes.append(f"{call} should answer {' or '.join(sorted(codes))} {answer}, answers {code} {result}")
        if not self.tap.ok(not notes, f'{self.name}, {name}: {len(wanted)} calls are answered as they should be'):
            self.tap.note('\n'.join(notes[:5]))
        return not notes

    def same_views(self, name, accounts, found):
        """What some accounts are told about their subscriptions."""
        expected = [row for account in accounts for row in self.model.shown(account)]
        for row in expected:
            plan = 1 + int(row['price_id']) % 2
            row.update(plan_code=f'plan{plan}', plan_name=f'Plan {plan}')
        return self.same(f'{name}: subscriptions_of tells what is so', expected, found,
                         ['account_id', 'subscription_id'])

    def same(self, name, expected, found, key):
        """Compares with rows in which every subscription gets the number that the model knows."""
        numbers = {given: str(number) for number, given in self.ids.items()}
        for row in found:
            if 'subscription_id' in row:
                row['subscription_id'] = numbers.get(row['subscription_id'], 'id ' + row['subscription_id'])
        return self.tap.same(f'{self.name}, {name}', expected, found, key)

    def same_tables(self, name):
        model = self.model
        expected = {'account': list(model.accounts.values()), 'subscription': model.subscriptions(),
                    'outcome': model.outcomes, 'event': model.events, 'notification_job': model.jobs}
        found = self.database.psql('\\echo next\n'.join(copy_of(query) for query, _ in TABLES.values()))
        results = [self.same(f'{name}: {table} is as expected', expected[table], rows_of(text), TABLES[table][1])
                   for table, text in zip(TABLES, found.split('next\n'))]
        return all(results)

    def release(self, at):
        """Now and then an operator releases held subscriptions."""
        held = [r for r in self.model.rows.values() if r.hold_reason and self.model.latest[r.subscription_id] <= at]
        released = self.dice.sample(held, len(held) * self.dice.choice([0, 1, 2, 4]) // 4)
        script = []
        for row in released:
            catch_up = self.dice.random() < 0.6
            self.model.release(row.subscription_id, at, catch_up)
            script.append(
                'WITH s AS (UPDATE perennial.subscription SET hold_reason = NULL, held_at = NULL, '
                f'catch_up_allowed = {catch_up}, revision = revision + 1 '
                f'WHERE subscription_id = {self.ids[row.subscription_id]} RETURNING *) '
                'INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, '
                'from_status, to_status, period_start, period_end, price_id, next_price_id, quantity, next_quantity) '
                f"SELECT bucket, subscription_id, account_id, revision, 'released', '{pg_text(at)}', 'operator', "
                'status, status, period_start, period_end, price_id, next_price_id, quantity, next_quantity FROM s;')
        if script:
            self.database.psql('BEGIN;\n' + '\n'.join(script) + '\nCOMMIT;\n')

    def pick_end(self, now):
        """How far time goes on until the next run: mostly some weeks, at times so far that renewals are held."""
        days = self.dice.choices([0.04, 3, 12, 25, 33, 60, 80, 130], [2, 3, 4, 5, 6, 4, 3, 2])[0]
        end = now + timedelta(seconds=int(days * 86400 * (0.6 + 0.8 * self.dice.random())))
        near = sorted(r.period_end for r in self.model.rows.values() if now < r.period_end <= end)
        if near and self.dice.random() < 0.3:
            end = max(now, self.dice.choice(near[-5:]) - self.dice.choice([TICK, 0 * TICK]))
        return end

    def run(self, as_of):
        self.runs += 1
        name = f'run {self.runs} as of {iso_text(as_of)}'
        before = Counter(o['kind'] for o in self.model.outcomes)
        held = self.model.run(as_of)
        self.seen.update({('run', kind): n
                          for kind, n in (Counter(o['kind'] for o in self.model.outcomes) - before).items()})
        self.seen['run', 'held'] += held
        options = self.dice.choice([[], [], [], [], ['--batch-size', '3']])
        done = self.program('run', '--as-of', iso_text(as_of), *options)
        harness.ended_with(self.tap, done, [10 if held else 0], f'{self.name}, {name}: the run ends as it should')
        return self.same_tables(name) and done.returncode in (0, 10)

    def whole(self):
        """All the years; ends early where model and database part, for all that follows would differ too."""
        now = START
        good = self.set_up()
        while good and now < END:
            self.release(now)
            end = self.pick_end(now)
            name = f'until {iso_text(end)}'
            good = self.perform(name, self.play.round(now, end)) and self.run(end)
            now = end
        return good and self.perform('in the end', self.play.rest(now, now)) and self.same_tables('in the end')

    def check_end(self):
        tap, database, name = self.tap, self.database, self.name
        tap.same(f'{name}: billed has the sums of the model',
                 [{'currency': c, 'kind': k, 'amount': str(n)} for (c, k), n in self.model.billed.items()],
                 database.rows('SELECT currency, kind, sum(amount) AS amount FROM perennial.billed '
                               'GROUP BY currency, kind'), ['currency', 'kind'])
        odd = database.rows('SELECT * FROM perennial.broken_history')
        tap.ok(not odd, f'{name}: no history is broken') or tap.note(odd[:3])
        messages = ', '.join(f"('{event}', '{job}')" for event, job in MESSAGES.items())
        odd = database.rows(
            'SELECT w.*, j.jobs FROM ('
            'SELECT bucket, subscription_id, kind, period_end AS boundary, 0 AS event_id FROM perennial.outcome '
            'UNION ALL SELECT bucket, subscription_id, m.job, period_end, event_id FROM perennial.event '
            f'JOIN (VALUES {messages}) m (kind, job) USING (kind)) w FULL JOIN ('
            'SELECT bucket, subscription_id, kind, boundary, event_id, count(*) AS jobs '
            'FROM perennial.notification_job GROUP BY 1, 2, 3, 4, 5) j '
            'USING (bucket, subscription_id, kind, boundary, event_id) '
            'WHERE w.kind IS NULL OR j.jobs IS DISTINCT FROM 1')
        tap.ok(not odd, f'{name}: each outcome and each event with a message has one job, and no other has') or \
            tap.note(odd[:3])
        missing = [s for s in SITUATIONS if not self.seen[s]]
        tap.ok(not missing, f'{name}: everything that there is happened') or tap.note(missing)


def main():
    tap = harness.Tap()
    for seed in SEEDS:
        tap.note(f'PERENNIAL_SEED={seed}')
        with harness.Database('perennial_customers') as database:
            scene = Scene(tap, database, seed)
            if scene.whole():
                scene.check_end()
            tap.note(f'seed {seed}: {scene.play.calls} calls, {scene.runs} runs, {len(scene.ids)} subscriptions')
            tap.note(', '.join(f'{name} {what} {n}' for (name, what), n in sorted(scene.seen.items())))
    tap.done()


if __name__ == '__main__':
    main()
