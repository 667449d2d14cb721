"""recount: whether each period was closed and billed exactly once, counted from the raw rows and from nothing else.

Each subscription is followed through its outcomes and events in order of revision, with a calendar and rules that share
no code with the program or with its schema.
"""

import json
import sys
from collections import Counter
from datetime import datetime

from harness import HERE

sys.path.append(str(HERE.parent / 'oracle'))

from months import boundary, to_wall  # noqa: E402

JOB_OF_EVENT = {'subscribed': 'subscribed', 'trial_started': 'trial_started', 'cancelled': 'cancellation_confirmed',
                'withdrawn': 'cancellation_withdrawn', 'reactivated': 'reactivated'}


def rows_of(cluster, db, table):
    """A table as dicts, instants being datetimes that mean UTC."""
    return [instants(json.loads(row)) for [row] in cluster.psql(f'SELECT to_jsonb(t) FROM perennial.{table} t', db)]


def instants(row):
    for name, value in row.items():
        if isinstance(value, str) and len(value) > 18 and value[4] == value[7] == '-' and value[10] == 'T':
            row[name] = datetime.fromisoformat(value).replace(tzinfo=None)
    return row


# What a history tells of a subscription, and the table says too.
STATE = ('revision', 'status', 'anchor', 'months_elapsed', 'period_start', 'period_end', 'price_id', 'next_price_id',
         'quantity', 'next_quantity')


class Story:
    """One subscription as its history tells it, from what is known of it first."""

    def __init__(self, recount, final, opening):
        self.recount, self.id, self.zone = recount, final['subscription_id'], final['time_zone']
        self.closed, self.revision, self.status = set(), 0, None
        if opening:
            self._take(opening)
            self.billing_info, self.on_hold = opening['billing_info_at'] is not None, opening['hold_reason'] is not None
            self.trial = opening['trial_end'] == opening['period_end']

    def _take(self, row):
        for name in STATE:
            setattr(self, name, row[name])

    def fault(self, text):
        self.recount.faults.append(f'subscription {self.id}, revision {self.revision}: {text}')

    def wanted(self, found, **values):
        """Complains of each column that has another value."""
        for name, value in values.items():
            if found[name] != value:
                self.fault(f'{name} should be {value}, is {found[name]}')

    # Entries.

    def add(self, entry):
        self.revision += 1
        self.wanted(entry, revision=self.revision)
        self.revision = entry['revision']
        if 'rule' in entry:
            self.outcome(entry)
        elif (self.status is None) != (entry['kind'] in ('subscribed', 'trial_started')):
            self.fault(f'{entry["kind"]}, and its status was {self.status}')
        else:
            self.wanted(entry, from_status=self.status)
            getattr(self, entry['kind'])(entry)
            self.wanted(entry, to_status=self.status, period_start=self.period_start, period_end=self.period_end,
                        price_id=self.price_id, quantity=self.quantity, next_price_id=self.next_price_id,
                        next_quantity=self.next_quantity)

    def opens(self, start, price_id):
        """A paid period that is the first after its anchor; until when."""
        self.anchor, self.price_id = to_wall(start, self.zone), price_id
        self.months_elapsed = self.recount.price[price_id]['interval_months']
        self.period_start, self.period_end = start, boundary(self.anchor, self.zone, self.months_elapsed)
        self.status, self.trial, self.next_price_id, self.next_quantity = 'active', False, None, None

    def bills(self, entry):
        price = self.recount.price[self.price_id]
        self.wanted(entry, unit_amount=price['unit_amount'], currency=price['currency'],
                    amount=price['unit_amount'] * self.quantity)

    def subscribed(self, event):
        self.quantity, self.billing_info, self.on_hold = event['quantity'], False, False
        self.opens(event['at'], event['price_id'])
        self.bills(event)

    def trial_started(self, event):
        self._take({**event, 'status': 'trialing', 'anchor': to_wall(event['at'], self.zone), 'months_elapsed': 0})
        self.billing_info, self.on_hold, self.trial = event['detail'] is not None, False, True

    def reactivated(self, event):
        if self.status != 'expired' or event['at'] < self.period_end:
            self.fault(f'reactivated at {event["at"]}, and it was {self.status} until {self.period_end}')
        self.opens(event['at'], event['price_id'])
        self.bills(event)

    def cancelled(self, event):
        self.status = 'pending_cancellation'

    def withdrawn(self, event):
        self.status = 'trialing' if self.trial else 'active'

    def change_scheduled(self, event):
        self.next_price_id, self.next_quantity = event['next_price_id'], event['next_quantity']

    def billing_info_set(self, event):
        self.billing_info = True

    def billing_info_cleared(self, event):
        self.billing_info = False

    def held(self, event):
        if self.on_hold:
            self.fault('held, and it was on hold')
        self.on_hold = True

    def released(self, event):
        self.on_hold = False

    def outcome(self, outcome):
        end = outcome['period_end']
        if end in self.closed:
            self.recount.doubled.append(f'subscription {self.id}: the period that ended at {end} was closed twice')
        self.closed.add(end)
        if self.on_hold:
            self.fault(f'{outcome["kind"]} while it is on hold')
        self.wanted(outcome, period_start=self.period_start, period_end=self.period_end, from_status=self.status,
                    kind=self.due_kind())
        if outcome['kind'] in ('expired', 'trial_expired'):
            self.status = 'expired'
            self.wanted(outcome, next_period_start=None, next_period_end=None, amount=0, price_id=self.price_id,
                        quantity=self.quantity)
        else:
            self.renew(outcome['kind'], end)
            self.wanted(outcome, next_period_start=end, next_period_end=self.period_end, price_id=self.price_id,
                        quantity=self.quantity)
            self.bills(outcome)
        self.wanted(outcome, to_status=self.status)

    def due_kind(self):
        """What a run has to do now, whatever it did."""
        price = self.recount.price[self.next_price_id or self.price_id]
        if self.status == 'trialing':
            return 'converted' if self.billing_info or price['unit_amount'] == 0 else 'trial_expired'
        return {'pending_cancellation': 'expired', 'active': 'renewed'}.get(self.status)

    def renew(self, kind, end):
        self.quantity = self.next_quantity or self.quantity
        price_id = self.next_price_id or self.price_id
        if kind == 'converted':
            self.opens(end, price_id)
            return
        months = self.months_elapsed + self.recount.price[price_id]['interval_months']
        self.price_id, self.months_elapsed, self.next_price_id, self.next_quantity = price_id, months, None, None
        self.period_start, self.period_end = end, boundary(self.anchor, self.zone, months)

    # The end.

    def ends(self, final):
        """Compares with the table, and counts what should have been closed."""
        self.wanted(final, **{name: getattr(self, name) for name in STATE})
        if (final['hold_reason'] is not None) != self.on_hold:
            self.fault(f'on hold: {final["hold_reason"]}; its history says otherwise')
        lost = self.period_end
        months = self.months_elapsed
        while self.status != 'expired' and not self.on_hold and lost <= self.recount.as_of:
            self.recount.lost.append(f'subscription {self.id}: the period that ended at {lost} was not closed')
            months += self.recount.price[self.price_id]['interval_months']
            lost = boundary(self.anchor, self.zone, months)


class Recount:
    """Counts a database, of which nothing may be due as of an instant.

    opening: the rows of the table subscription before anything happened.
    lost: boundaries without an outcome; doubled: those with more than one; jobs, runs, faults: what else is wrong.
    """

    def __init__(self, cluster, db, opening, as_of):
        self.as_of = as_of
        self.price = {row['price_id']: row for row in rows_of(cluster, db, 'price')}
        self.outcomes, self.events = rows_of(cluster, db, 'outcome'), rows_of(cluster, db, 'event')
        self.lost, self.doubled, self.faults = [], [], []
        self._follow({row['subscription_id']: row for row in opening}, rows_of(cluster, db, 'subscription'))
        self.jobs = self._count_jobs(rows_of(cluster, db, 'notification_job'))
        self.runs = self._count_runs(rows_of(cluster, db, 'batch'), rows_of(cluster, db, 'batch_total'))

    def _follow(self, opening, final):
        entries = {row['subscription_id']: [] for row in final}
        for entry in sorted(self.outcomes + self.events, key=lambda row: row['revision']):
            # Nothing deletes a subscription.
            entries[entry['subscription_id']].append(entry)
        for row in final:
            story = Story(self, row, opening.get(row['subscription_id']))
            for entry in entries[row['subscription_id']]:
                story.add(entry)
            story.ends(row)

    def _count_jobs(self, jobs):
        wanted = Counter((o['subscription_id'], o['kind'], o['period_end'], 0) for o in self.outcomes)
        wanted += Counter((e['subscription_id'], JOB_OF_EVENT[e['kind']], e['period_end'], e['event_id'])
                          for e in self.events if e['kind'] in JOB_OF_EVENT)
        found = Counter((j['subscription_id'], j['kind'], j['boundary'], j['event_id']) for j in jobs)
        return [f'job {job}: {found[job]}, and {wanted[job]} are wanted' for job in wanted | found
                if found[job] != wanted[job] or wanted[job] != 1]

    def _count_runs(self, batches, totals):
        """Sums over each run: what its batches say, and what there is."""
        wanted, found = Counter(), Counter()
        for o in self.outcomes:
            found[o['run_id'], o['kind'], o['currency'], 'outcomes'] += 1
            found[o['run_id'], o['kind'], o['currency'], 'amount'] += o['amount']
        for e in self.events:
            found[e['run_id'], 'held'] += e['kind'] == 'held' and e['run_id'] is not None
        for t in totals:
            wanted[t['run_id'], t['kind'], t['currency'], 'outcomes'] += t['subscriptions']
            wanted[t['run_id'], t['kind'], t['currency'], 'amount'] += t['amount']
        for b in batches:
            wanted[b['run_id'], 'held'] += b['held']
        return [f'run {key}: {found[key]} in the tables, its batches say {wanted[key]}'
                for key in wanted.keys() | found.keys() if found[key] != wanted[key]]
