#!/usr/bin/python3
"""cases_test: every line of the .case files as a row through the whole program, planned and then run.

Usage: cases_test.py [FOLDER]; the folder is ../cases unless given.  A line reads

    as_of | facts | expect | rule

All cases with the same as_of and the same max= are loaded together and processed by one plan and one run.
"""

import json
import pathlib
import sys
from collections import defaultdict
from datetime import timedelta
from typing import NamedTuple

sys.dont_write_bytecode = True  # the checkout stays clean

import harness
from months import from_iso, iso_text, pg_text
from rules import Subscription, as_text, bucket_of

STATES = {'trialing', 'active', 'pending_cancellation', 'expired'}
FACTS = {'end', 'start', 'anchor', 'months', 'every', 'price', 'currency', 'quantity', 'next-price', 'next-every',
         'next-quantity', 'hold', 'max'}
FLAGS = {'billing', 'catch-up'}
TABLES = 'account, subscription, outcome, event, notification_job, run, batch, batch_total'


class Case(NamedTuple):
    title: str
    as_of: object
    status: str
    facts: dict
    steps: list    # (kind, next period's end or empty, amount), and (None, reason) for a hold
    rules: list    # one for each step, or the one that leaves the row alone


def parse_step(text):
    kind, *words = text.split()
    if kind in ('renewed', 'converted'):
        end, amount = words
        return kind, pg_text(from_iso(end)), str(int(amount))
    if kind in ('expired', 'trial_expired') and not words:
        return kind, '', '0'
    if kind == 'held':
        (reason,) = words
        return None, reason
    raise ValueError(f'cannot read the step "{text}"')


def parse(title, line):
    as_of, facts, expect, rules = (part.strip() for part in line.split('|'))
    status, *tokens = facts.split()
    known = dict(token.split('=', 1) if '=' in token else (token, '') for token in tokens)
    unknown = [t for t in known if t not in (FACTS if known[t] else FLAGS)]
    if status not in STATES or unknown or 'end' not in known:
        raise ValueError('unknown state or fact, or no end=')
    steps = [] if expect == '-' else [parse_step(step) for step in expect.split(',')]
    rules = [rule.strip() for rule in rules.split(',')]
    if len(rules) != max(1, len(steps)):
        raise ValueError('the rules are not one for each step')
    return Case(title, from_iso(as_of), status, known, steps, rules)


def read_cases(tap, folder):
    """All cases of a folder by (as_of, max); a line that cannot be read is a failure of its own."""
    groups = defaultdict(list)
    for path in sorted(folder.glob('*.case')):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            line = line.split('#')[0].strip()
            if line:
                title = f"{path.name}:{number} {' '.join(line.split())}"
                try:
                    case = parse(title, line)
                    groups[case.as_of, int(case.facts.get('max', 3))].append(case)
                except ValueError as fault:
                    tap.ok(False, title)
                    tap.note(fault)
    return groups


class Prices:
    """Gives every combination that a case names an id."""

    def __init__(self):
        self.ids = {}

    def id_of(self, currency, unit_amount, interval):
        return self.ids.setdefault((currency, int(unit_amount), int(interval)), len(self.ids) + 1)

    def rows(self):
        return [{'price_id': i, 'plan_id': 1, 'currency': c, 'unit_amount': u, 'interval_months': m}
                for (c, u, m), i in self.ids.items()]


def row_of(case, number, prices):
    """The subscription that has the facts of a case."""
    facts = case.facts
    end = from_iso(facts['end'])
    start = from_iso(facts['start']) if 'start' in facts else end - timedelta(days=1)
    currency, price, every = facts.get('currency', 'EUR'), facts.get('price', 1000), facts.get('every', 1)
    next_price_id = None
    if 'next-price' in facts or 'next-every' in facts:
        next_price_id = prices.id_of(currency, facts.get('next-price', price), facts.get('next-every', every))
    return Subscription(
        bucket=bucket_of(number), subscription_id=number, account_id=number,
        price_id=prices.id_of(currency, price, every), next_price_id=next_price_id,
        quantity=int(facts.get('quantity', 1)),
        next_quantity=int(facts['next-quantity']) if 'next-quantity' in facts else None,
        status=case.status, billing_info_at=start if 'billing' in facts else None,
        anchor=from_iso(facts['anchor']) if 'anchor' in facts else end, time_zone='UTC',
        months_elapsed=int(facts.get('months', 0)), period_start=start, period_end=end,
        trial_end=end if case.status == 'trialing' else None,
        cancel_requested_at=start if case.status == 'pending_cancellation' else None,
        ended_at=end if case.status == 'expired' else None,
        end_reason='cancelled' if case.status == 'expired' else None,
        hold_reason=facts.get('hold'), held_at=end if 'hold' in facts else None,
        catch_up_allowed='catch-up' in facts, revision=0)


def by_subscription(rows):
    grouped = defaultdict(list)
    for row in rows:
        grouped[int(row['subscription_id'])].append(row)
    return grouped


def written(database):
    """What stands in the tables, by subscription."""
    order = {'subscription': 'subscription_id', 'outcome': 'revision', 'event': 'revision',
             'notification_job': 'boundary'}
    return {table: by_subscription(database.rows(f'SELECT * FROM perennial.{table} ORDER BY {column}'))
            for table, column in order.items()}


def faults_of(case, row, plan, tables):
    """What is wrong with one case, as sentences."""
    number, before = row.subscription_id, as_text(row)
    after = tables['subscription'][number][0]
    outcomes, events, jobs = (tables[t][number] for t in ('outcome', 'event', 'notification_job'))
    due = case.status != 'expired' and row.period_end <= case.as_of
    paired = list(zip(case.steps, case.rules))

    def differ(what, wanted, found):
        return [f'{what}: should be {wanted}, is {found}'] if wanted != found else []

    lines = [(s[0], rule, None) if s[0] else (None, rule, s[1]) for s, rule in paired]
    if not case.steps and case.rules == ['held'] and due:
        lines = [(None, 'held', row.hold_reason)]
    faults = differ('plan', lines, plan)
    steps = [(*s, rule) for s, rule in paired if s[0]]
    faults += differ('outcomes', steps, [(o['kind'], o['next_period_end'], o['amount'], o['rule']) for o in outcomes])
    faults += differ('jobs', sorted((o['kind'], o['period_end']) for o in outcomes),
                     sorted((j['kind'], j['boundary']) for j in jobs))
    reasons = [s[1] for s in case.steps if not s[0]]
    faults += differ('events', [('held', r, pg_text(case.as_of)) for r in reasons],
                     [(e['kind'], e['reason'], e['at']) for e in events])
    if reasons:
        faults += differ('hold', (reasons[0], pg_text(case.as_of)), (after['hold_reason'], after['held_at']))
    else:
        faults += differ('hold', (before['hold_reason'], before['held_at']), (after['hold_reason'], after['held_at']))
    if not case.steps:
        faults += differ('row', before, after)
        true = {'ended': case.status == 'expired', 'held': row.hold_reason, 'not-due': row.period_end > case.as_of}
        if not true.get(case.rules[0]):
            faults.append(f'rule {case.rules[0]} does not leave a row with these facts alone')
    return faults


def check_group(tap, database, as_of, max_periods, cases):
    prices = Prices()
    rows = [row_of(case, number, prices) for number, case in enumerate(cases, 1)]
    database.psql(f"TRUNCATE perennial.{TABLES.replace(', ', ', perennial.')};"
                  'DELETE FROM perennial.price; DELETE FROM perennial.plan;')
    database.load({'plan': [{'plan_id': 1, 'code': 'basic', 'name': 'Basic'}], 'price': prices.rows(),
                   'account': [{'bucket': r.bucket, 'account_id': r.account_id} for r in rows],
                   'subscription': [as_text(r) for r in rows]})
    program = harness.Program(database, max_periods)
    name = f'as of {iso_text(as_of)}, max={max_periods}'
    planned = program('plan', '--as-of', iso_text(as_of), '--format', 'jsonl')
    harness.ended_with(tap, planned, [0], f'{name}: plan')
    run = program('run', '--as-of', iso_text(as_of), '--allow-future')
    held = any(not step[0] for case in cases for step in case.steps)
    harness.ended_with(tap, run, [10 if held else 0], f'{name}: run')
    plan = by_subscription(json.loads(line) for line in planned.stdout.splitlines())
    tables = written(database)
    for case, row in zip(cases, rows):
        lines = [(p['kind'], p['rule'], None if p['kind'] else p['reason']) for p in plan[row.subscription_id]]
        faults = faults_of(case, row, lines, tables)
        tap.ok(not faults, case.title)
        for fault in faults:
            tap.note(fault)


def main():
    tap = harness.Tap()
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else harness.HERE.parent / 'cases')
    groups = read_cases(tap, folder)
    tap.ok(groups, 'there are cases')
    with harness.Database('perennial_cases') as database:
        for (as_of, max_periods), cases in sorted(groups.items()):
            try:
                check_group(tap, database, as_of, max_periods, cases)
            except (RuntimeError, ValueError, KeyError) as fault:
                tap.ok(False, f'the cases as of {iso_text(as_of)}, max={max_periods} can be loaded and read')
                tap.note(fault)
    tap.done()


if __name__ == '__main__':
    main()
