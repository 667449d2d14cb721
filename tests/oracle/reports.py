"""reports: what every finance report has to say, from plain rows of the tables: slow, obvious, day by day.

Written from what the reports are documented to mean, and not from their SQL.
"""

from collections import defaultdict
from datetime import date
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from records import Records
from tables import DAY, local_date, months

RECEIVABLE, DEFERRED, REVENUE, EQUITY = (
    'assets:receivable', 'liabilities:deferred revenue', 'income:subscriptions', 'equity:opening balances')

ROLL = ['opening', 'imported', 'new', 'reactivated', 'converted_in', 'changed_in', 'changed_out', 'converted_out',
        'expired_cancelled', 'expired_trial_ended', 'closing']
MRR = ['opening', 'imported', 'new', 'reactivated', 'converted', 'expansion', 'contraction', 'changed_in',
       'changed_out', 'churned', 'closing']
LEAVING = ['changed_out', 'converted_out', 'expired_cancelled', 'expired_trial_ended', 'contraction', 'churned']
COLUMN = {'imported': 'imported', 'subscribed': 'new', 'trial_started': 'new', 'reactivated': 'reactivated'}
ENDED = {'expired': 'expired_cancelled', 'trial_expired': 'expired_trial_ended'}


def daily(amount, service_from, service_to):
    """What of an amount is earned on each day that it serves.

    One that serves less than a day is earned on its first.
    """
    days = max((service_to - service_from).days, 1)
    return [amount * (n + 1) // days - amount * n // days for n in range(days)]


class Amount:
    """One amount in the books of one zone: when it entered, how much of it, and what is earned from then on."""

    def __init__(self, row, zone):
        self.row = row
        self.kind, self.price_id, self.currency = row['kind'], row['price_id'], row['currency']
        self.billed_on = local_date(row['billed_at'], zone)
        self.service_from, self.service_to = (local_date(row[k], zone) for k in ('service_start', 'service_end'))
        earned = daily(int(row['amount']), self.service_from, self.service_to)
        self.first = self.service_from
        if self.kind == 'imported' and self.billed_on > self.first:
            # What was earned before it came is in its former books.
            earned = earned[(self.billed_on - self.first).days:]
            self.first = self.billed_on
        self.entered = sum(earned)
        self.last = self.first + len(earned) * DAY  # exclusive
        self.upto = [0, *accumulate(earned)]

    def earned(self, first, end):
        """What is earned on the days from first until before end."""
        begin, stop = (min(max((day - self.first).days, 0), len(self.upto) - 1) for day in (first, end))
        return self.upto[stop] - self.upto[begin]


class State(NamedTuple):
    """What a subscription is: paid or trial, or neither: not there yet, or expired."""
    segment: str | None
    price_id: str
    quantity: str


class Books(Records):
    """The tables as they are, and each report of them."""

    def __init__(self, tables):
        super().__init__(tables)
        self.known = {}  # the amounts in the books of each zone
        self.stories = {number: self.story(number) for number in self.subscriptions}

    @cached_property
    def billed(self):
        """Every amount of the tables, once, with the period that it pays for."""
        rows = []
        for entry in (e for entries in self.entries.values() for e in entries):
            row = entry.row
            if entry.kind in ('renewed', 'converted'):
                period = row['next_period_start'], row['next_period_end']
            elif not entry.is_outcome and row['amount']:
                period = row['period_start'], row['period_end']
            else:
                continue
            rows.append(row | {'billed_at': entry.at, 'service_start': period[0], 'service_end': period[1]})
        return rows

    def amounts(self, zone):
        if zone not in self.known:
            self.known[zone] = [Amount(row, zone) for row in self.billed]
        return self.known[zone]

    # What was billed, and when it is earned.

    def report_billed_detail(self, period):
        return [{
            'currency': row['currency'], 'plan_code': offer.plan_code, 'interval_months': str(offer.interval_months),
            **{k: row[k] for k in ('billed_at', 'subscription_id', 'account_id', 'revision', 'kind', 'run_id')},
            'service_from': str(local_date(row['service_start'], period.zone)),
            'service_to': str(local_date(row['service_end'], period.zone)), 'quantity': row['quantity'],
            **self.money('unit_amount', int(row['unit_amount']), row['currency']),
            **self.money('amount', int(row['amount']), row['currency'])}
            for row in self.billed if row['kind'] != 'imported' and period.has(row['billed_at'])
            for offer in [self.offers[row['price_id']]]]

    def report_billed(self, period):
        sums = defaultdict(lambda: {'periods': 0, 'subscribed': 0, 'reactivated': 0, 'converted': 0, 'renewed': 0,
                                    'amount': 0})
        for row in self.report_billed_detail(period):
            line = sums[row['currency'], row['plan_code'], row['interval_months']]
            line['periods'] += 1
            line[row['kind']] += int(row['amount_minor'])
            line['amount'] += int(row['amount_minor'])
        return [{'currency': currency, 'plan_code': plan, 'interval_months': interval,
                 'periods': str(line.pop('periods')), **self.moneys(line, currency)}
                for (currency, plan, interval), line in sums.items()]

    def report_deferred(self, period):
        sums = defaultdict(lambda: dict.fromkeys(['opening', 'imported', 'billed', 'recognised', 'closing'], 0))
        for amount in self.amounts(period.zone):
            if amount.billed_on >= period.end:
                continue
            line = sums[amount.currency, self.offers[amount.price_id].plan_code]
            if amount.billed_on < period.first:
                line['opening'] += amount.earned(period.first, date.max)
            else:
                line['imported' if amount.kind == 'imported' else 'billed'] += amount.entered
            line['recognised'] += amount.earned(period.first, period.end)
            line['closing'] += amount.earned(period.end, date.max)
        for line in sums.values():
            assert line['closing'] == line['opening'] + line['imported'] + line['billed'] - line['recognised']
        return [{'period': period.name, 'currency': currency, 'plan_code': plan, **self.moneys(line, currency)}
                for (currency, plan), line in sums.items()]

    def report_schedule(self, period):
        rows = []
        for amount in self.amounts(period.zone):
            if not period.first <= amount.billed_on < period.end:
                continue
            for name, first, end in months(amount.first, amount.last):
                earned = amount.earned(date.min, end)
                rows.append({
                    'currency': amount.currency, 'plan_code': self.offers[amount.price_id].plan_code,
                    **{k: amount.row[k] for k in ('subscription_id', 'revision', 'kind')},
                    'billed_on': str(amount.billed_on), 'service_from': str(amount.service_from),
                    'service_to': str(amount.service_to), **self.money('amount', amount.entered, amount.currency),
                    'period': name, **self.moneys({
                        'recognised': amount.earned(first, end), 'cumulative': earned,
                        'remaining': amount.entered - earned}, amount.currency)})
        return rows

    def report_waterfall(self, period):
        booked = defaultdict(list)
        for amount in self.amounts(period.zone):
            if amount.billed_on < period.end:
                booked[amount.currency, f'{amount.billed_on:%Y-%m}'].append(amount)
        rows = []
        for (currency, month), amounts in booked.items():
            entered = sum(a.entered for a in amounts)
            if entered == sum(a.earned(date.min, period.first) for a in amounts):
                continue
            for name, first, end in months(period.first, period.end):
                if name >= month:
                    earned = sum(a.earned(date.min, end) for a in amounts)
                    rows.append({
                        'currency': currency, 'booked_period': month, **self.money('booked', entered, currency),
                        'period': name,
                        **self.money('recognised', sum(a.earned(first, end) for a in amounts), currency),
                        **self.money('recognised_to_date', earned, currency),
                        **self.money('remaining', entered - earned, currency)})
        return rows

    def report_journal(self, period):
        """All but the number of the entry."""
        entries = defaultdict(lambda: [0, set()])
        for amount in self.amounts(period.zone):
            if amount.billed_on >= period.end:
                continue
            if amount.billed_on < period.first:
                entries[period.first, 'opening', amount.currency, EQUITY, DEFERRED][0] += amount.earned(
                    period.first, date.max)
            else:
                debited = EQUITY if amount.kind == 'imported' else RECEIVABLE
                entry = entries[amount.billed_on, amount.kind, amount.currency, debited, DEFERRED]
                entry[0] += amount.entered
                entry[1] |= {int(amount.row['run_id'])} if amount.row['run_id'] else set()
            for _, first, end in months(period.first, period.end):
                entries[end - DAY, 'recognised', amount.currency, DEFERRED, REVENUE][0] += amount.earned(first, end)
        return [{'date': str(day), 'kind': kind, 'currency': currency, 'account': account,
                 **self.money('debit', debit, currency), **self.money('credit', credit, currency),
                 'runs': ' '.join(map(str, sorted(runs)))}
                for (day, kind, currency, debited, credited), (sum_, runs) in entries.items() if sum_
                for account, debit, credit in ((debited, sum_, 0), (credited, 0, sum_))]

    # What subscriptions are, and what made them so.

    def story(self, number):
        """What a subscription was when its history began, and each entry with what it left."""
        entries = self.entries[number]
        row = self.subscriptions[number]

        def segment(status, end):
            if status == 'pending_cancellation':
                # What it was of: as its withdrawal tells, or as the table knows until it is reactivated.
                after = next((e for e in entries if e.kind in ('withdrawn', 'reactivated')), None)
                status = after.to_status if after and after.kind == 'withdrawn' \
                    else 'trialing' if row['trial_end'] == end else 'active'
            return {'trialing': 'trial', 'active': 'paid'}.get(status)

        if not entries:
            return State(segment(row['status'], row['period_end']), row['price_id'], row['quantity']), []
        first = entries[0]
        state = found = State(segment(first.from_status, first.row['period_end']), first.price_id, first.quantity)
        steps = []
        for entry in entries:
            # A cancellation is of whatever it was.
            left = state.segment if entry.to_status == 'pending_cancellation' and entry.from_status \
                else segment(entry.to_status, entry.row['period_end'])
            state = State(left, entry.price_id, entry.quantity)
            steps.append((entry, state))
        return found, steps

    def during(self, period):
        """What each subscription was at both ends of a period, and what made it so: (state, steps, state).

        At the beginning of a day counts what the last entry dated before it left, the last by revision.
        """
        for found, steps in self.stories.values():
            places = [max((n for n, (entry, _) in enumerate(steps, 1) if local_date(entry.at, period.zone) < day),
                          default=0) for day in (period.first, period.end)]
            states = [found, *(state for _, state in steps)]
            yield states[places[0]], [
                (steps[n][0].kind, states[n], states[n + 1]) for n in range(*places)], states[places[1]]

    def report_subscriptions(self, period):
        sums = defaultdict(lambda: dict.fromkeys(ROLL, 0))

        def count(state, column):
            if state.segment:
                offer = self.offers[state.price_id]
                sums[state.segment, offer.currency, offer.plan_code][column] += 1

        for opening, steps, closing in self.during(period):
            count(opening, 'opening')
            count(closing, 'closing')
            for kind, old, new in steps:
                if kind in COLUMN:
                    count(new, COLUMN[kind])
                elif kind in ENDED:
                    count(old, ENDED[kind])
                elif kind == 'converted':
                    count(old, 'converted_out')
                    count(new, 'converted_in')
                elif self.offers[old.price_id].plan_code != self.offers[new.price_id].plan_code:
                    assert kind == 'renewed'
                    count(old, 'changed_out')
                    count(new, 'changed_in')
        self.tie(sums)
        return [{'period': period.name, 'segment': segment, 'currency': currency, 'plan_code': plan,
                 **{k: str(n) for k, n in line.items()}} for (segment, currency, plan), line in sums.items()]

    def report_mrr(self, period):
        sums = defaultdict(lambda: dict.fromkeys(MRR, 0))

        def add(state, column, amount):
            if state.segment == 'paid':
                offer = self.offers[state.price_id]
                sums[offer.currency, offer.plan_code][column] += amount

        def mrr(state):
            return self.offers[state.price_id].mrr(state.quantity) if state.segment == 'paid' else 0

        for opening, steps, closing in self.during(period):
            add(opening, 'opening', mrr(opening))
            add(closing, 'closing', mrr(closing))
            for kind, old, new in steps:
                if kind in COLUMN or kind == 'converted':
                    add(new, COLUMN.get(kind, kind), mrr(new))
                elif kind in ENDED:
                    add(old, 'churned', mrr(old))
                elif kind == 'renewed':
                    if self.offers[old.price_id].plan_code != self.offers[new.price_id].plan_code:
                        add(old, 'changed_out', mrr(old))
                        add(new, 'changed_in', mrr(old))
                    more = mrr(new) - mrr(old)
                    add(new, 'expansion' if more > 0 else 'contraction', abs(more))
        self.tie(sums)
        return [{'period': period.name, 'currency': currency, 'plan_code': plan, **self.moneys(line, currency)}
                for (currency, plan), line in sums.items()]

    @staticmethod
    def tie(sums):
        """Closing is counted by itself: it has to be what the movements lead to."""
        for key, line in sums.items():
            assert line['closing'] == sum(
                -n if column in LEAVING else n for column, n in line.items() if column != 'closing'), (key, line)
