"""records: what the reports about runs, delays, holds and the history have to say."""

from collections import defaultdict
from datetime import timedelta

from tables import DAY, Tables, instant

AGES = [(timedelta(hours=1), 'less than 1 hour'), (timedelta(hours=24), '1 to 24 hours'), (8 * DAY, '1 to 7 days'),
        (31 * DAY, '8 to 30 days'), (timedelta.max, '31 days and more')]


class Records(Tables):
    """Reports that retell rows."""

    def report_runs(self, period):
        rows = []
        outcomes = [e.row for entries in self.entries.values() for e in entries if e.is_outcome]
        for run in self.runs:
            if not period.has(run['as_of']):
                continue
            mine = [row for row in outcomes if row['run_id'] == run['run_id']]
            batches = [b for b in self.batches if b['run_id'] == run['run_id']]
            once = {**{k: str(sum(int(b[k]) for b in batches)) for k in ('claimed', 'held')},
                    **{k: run[k] for k in ('failed', 'left_due', 'left_held')}}
            for currency in sorted({row['currency'] for row in mine}) or ['']:
                own = [row for row in mine if row['currency'] == currency]
                billed = sum(int(row['amount']) for row in own)
                rows.append({
                    'currency': currency,
                    **{k: run[k] for k in ('run_id', 'as_of', 'started_at', 'finished_at', 'result', 'exit_code',
                                           'stopped_by', 'invocation_id')},
                    'state': 'finished' if run['finished_at'] else 'died', **once,
                    **{k: str(sum(row['kind'] == k for row in own))
                       for k in ('renewed', 'converted', 'expired', 'trial_expired')},
                    **(self.money('billed', billed, currency) if currency else {'billed_minor': '0', 'billed': '0'})})
                once = dict.fromkeys(once, '')
        return rows

    def next_amount(self, row):
        """What the next step of a subscription would bill: nothing at an end."""
        offer = self.offers[row['next_price_id'] or row['price_id']]
        if row['status'] == 'active' or row['status'] == 'trialing' and row['billing_info_at']:
            return offer.unit_amount * int(row['next_quantity'] or row['quantity'])
        return 0

    def report_overdue(self, as_of):
        late = defaultdict(list)
        for row in self.subscriptions.values():
            if row['status'] != 'expired' and instant(row['period_end']) <= instant(as_of):
                old = instant(as_of) - instant(row['period_end'])
                age = next(name for end, name in AGES if old < end)
                late[self.offers[row['price_id']].currency, row['hold_reason'] or 'not processed', age].append(row)
        return [{'currency': currency, 'reason': reason, 'age': age, 'subscriptions': str(len(rows)),
                 **self.money('amount', sum(self.next_amount(row) for row in rows), currency),
                 'oldest_due_at': min((row['period_end'] for row in rows), key=instant)}
                for (currency, reason, age), rows in late.items()]

    def report_holds(self, as_of):
        rows = []
        for number, row in self.subscriptions.items():
            holds = []  # reason, since, its event, its release
            for entry in self.entries[number]:
                if entry.kind == 'held':
                    holds.append([entry.row['reason'], entry.at, entry.row, None])
                elif entry.kind == 'released' and holds:
                    holds[-1][3] = entry
            if row['hold_reason'] and not holds:
                holds.append([row['hold_reason'], row['held_at'], {}, None])
            for reason, since, event, release in holds:
                if instant(since) <= instant(as_of) and not (release and instant(release.at) <= instant(as_of)):
                    # As it stood when it was put on hold.
                    then = {**row, **event, 'status': event.get('to_status', row['status'])}
                    offer = self.offers[then['price_id']]
                    rows.append({
                        'currency': offer.currency, 'plan_code': offer.plan_code, 'subscription_id': number,
                        'account_id': row['account_id'], 'reason': reason, 'held_at': since,
                        'due_at': then['period_end'], **self.money('amount', self.next_amount(then), offer.currency),
                        **{k: event.get(k, '') for k in ('run_id', 'actor', 'sqlstate', 'detail')},
                        'released_at': release.at if release else '',
                        'released_by': release.row['actor'] if release else ''})
        return rows

    def report_audit(self, period):
        rows = []
        for entry in (e for entries in self.entries.values() for e in entries):
            row, offer = entry.row, self.offers[entry.price_id]
            if not period.has(entry.at):
                continue
            closed = (row['period_start'], row['period_end']) if entry.is_outcome else ('', '')
            opened = [row.get('next_' + column) or row[column] for column in ('period_start', 'period_end')]
            rows.append({
                'currency': offer.currency, 'plan_code': offer.plan_code, 'at': entry.at,
                'recorded_at': row['decided_at' if entry.is_outcome else 'recorded_at'], 'rule': row.get('rule', ''),
                'actor': row.get('actor', 'perennial run'), 'closed_start': closed[0], 'closed_end': closed[1],
                'period_start': opened[0], 'period_end': opened[1],
                **{k: row[k] for k in ('subscription_id', 'account_id', 'revision', 'kind', 'run_id', 'from_status',
                                       'to_status', 'price_id', 'quantity')},
                **(self.money('amount', int(row['amount']), offer.currency) if row['amount']
                   else {'amount_minor': '', 'amount': ''}),
                **{k: row.get(k, '') for k in ('reason', 'detail', 'sqlstate')}})
        return rows
