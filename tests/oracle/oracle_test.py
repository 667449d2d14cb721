#!/usr/bin/python3
"""oracle_test: thousands of random subscriptions, renewed by the program and by an independent reading of the rules.

PERENNIAL_SEED repeats a failure; without it the seed is fixed.
"""

import json
import os
import random
import re
import sys
from collections import Counter
from datetime import datetime

sys.dont_write_bytecode = True  # the checkout stays clean

import harness
from generate import LOST_ZONE, make_case
from months import boundary, iso_text, pg_text
from rules import as_text, bucket_of, held_event, process, text_of

MAX_PERIODS = 3
SEED = int(os.environ.get('PERENNIAL_SEED', '20240420'))

STEP = ['subscription_id', 'account_id', 'revision', 'kind', 'rule', 'from_status', 'to_status', 'period_start',
        'period_end', 'next_period_start', 'next_period_end', 'price_id', 'quantity', 'unit_amount', 'amount',
        'currency']
KEYS = {'perennial.subscription': 'bucket, subscription_id', 'perennial.outcome': 'bucket, outcome_id',
        'perennial.event': 'bucket, event_id', 'perennial.notification_job': 'bucket, job_id'}


def expect(case):
    """What the tables have to hold in the end, as rows of text, and the plan's lines in order."""
    rows, outcomes, events, jobs, plan, held, due = [], [], [], [], [], 0, 0
    for start in sorted(case.rows, key=lambda r: (r.bucket, r.period_end, r.subscription_id)):
        result = process(start, case.prices, case.as_of, MAX_PERIODS)
        rows.append(as_text(result.row))
        outcomes += result.outcomes
        plan += [(o['subscription_id'], o['kind'], o['rule'], None) for o in result.outcomes]
        if result.newly_held:
            events.append(held_event(result.row, case.as_of))
        if start.status != 'expired' and start.period_end <= case.as_of:
            due += start.hold_reason is None
            if result.reason:
                plan.append((start.subscription_id, None, result.rule, result.reason))
        held += result.newly_held
        jobs += [{'bucket': o['bucket'], 'subscription_id': o['subscription_id'], 'account_id': o['account_id'],
                  'kind': o['kind'], 'boundary': o['period_end'], 'event_id': 0, 'state': 'ready', 'attempts': 0}
                 for o in result.outcomes]
    totals = Counter()
    for o in outcomes:
        totals[o['kind'], o['currency'], 'subscriptions'] += 1
        totals[o['kind'], o['currency'], 'amount'] += o['amount']
    totals = [{'kind': k, 'currency': c, 'subscriptions': str(totals[k, c, 'subscriptions']),
               'amount': str(totals[k, c, 'amount'])} for k, c in sorted({(k, c) for k, c, _ in totals})]

    def texts(list_of_rows):
        return [{n: text_of(n, v) for n, v in row.items()} for row in list_of_rows]

    return {'subscription': rows, 'outcome': texts(outcomes), 'event': texts(events), 'notification_job': texts(jobs),
            'totals': totals, 'plan': plan, 'held': held, 'due': due, 'steps': outcomes}


def load(database, case):
    database.load({
        'plan': [{'plan_id': 1, 'code': 'basic', 'name': 'Basic'}],
        'price': [{'price_id': i, 'plan_id': 1, 'currency': p.currency, 'unit_amount': p.unit_amount,
                   'interval_months': p.interval} for i, p in case.prices.items()],
        'account': [{'bucket': bucket_of(a), 'account_id': a, 'kind': 'corporate' if a % 10 == 0 else 'online'}
                    for a in case.accounts],
        'subscription': [as_text(row) for row in case.rows]})


def whole(database):
    """Every column of the tables that a second run must not touch."""
    return {table: database.psql(f'COPY (SELECT * FROM {table} ORDER BY {key}) TO STDOUT;')
            for table, key in KEYS.items()}


def check_calendar(tap, database, case):
    """The oracle's calendar against the server's: a difference here explains every other one."""
    wanted = {(r.anchor, r.time_zone, r.months_elapsed + n)
              for r in case.rows if r.time_zone != LOST_ZONE for n in range(-1, 5)}
    wanted = [{'anchor': pg_text(a, ''), 'time_zone': z, 'months': str(m), 'at': pg_text(boundary(a, z, m))}
              for a, z, m in wanted]
    values = ','.join(f"('{w['anchor']}'::timestamp, '{w['time_zone']}', {w['months']})" for w in wanted)
    tap.same(f'{case.name}: the calendars of oracle and server agree', wanted, database.rows(
        'SELECT anchor, time_zone, months, perennial.boundary(anchor, time_zone, months) AS at '
        f'FROM (VALUES {values}) v (anchor, time_zone, months)'), ['anchor', 'time_zone', 'months'])


def check_tables(tap, database, expected, name):
    """Every table against the oracle, and the totals of the batches against both."""
    for table, key in (('subscription', ['bucket', 'subscription_id']),
                       ('outcome', ['bucket', 'subscription_id', 'period_end']),
                       ('event', ['bucket', 'subscription_id', 'revision']),
                       ('notification_job', ['bucket', 'subscription_id', 'kind', 'boundary', 'event_id'])):
        columns = ', '.join(expected[table][0])
        tap.same(f'{name}: {table} is as expected', expected[table],
                 database.rows(f'SELECT {columns} FROM perennial.{table}'), key)
    tap.same(f'{name}: the batch totals add up to the outcomes', expected['totals'], database.rows(
        'SELECT kind, currency, sum(subscriptions) AS subscriptions, sum(amount) AS amount '
        'FROM perennial.batch_total GROUP BY kind, currency'), ['kind', 'currency'])
    odd = database.rows(
        'SELECT run_id, kind, currency, subscriptions, amount FROM perennial.run_total EXCEPT '
        'SELECT run_id, kind, currency, count(*), sum(amount) FROM perennial.outcome GROUP BY run_id, kind, currency')
    tap.ok(not odd, f'{name}: each run has the totals of its own outcomes') or tap.note(odd)
    batch = database.rows('SELECT coalesce(sum(claimed), 0) AS claimed, coalesce(sum(held), 0) AS held '
                          'FROM perennial.batch')[0]
    # A row that is very far behind may be claimed more than once.
    good = int(batch['held']) == expected['held'] and expected['due'] <= int(batch['claimed']) <= 1.1 * expected['due']
    tap.ok(good, f'{name}: the batches count what was claimed and held') or \
        tap.note(f"{batch}, expected {expected['due']} claimed and {expected['held']} held")
    odd = database.rows("SELECT subscription_id, actor, run_id FROM perennial.event WHERE kind = 'held' AND "
                        'NOT EXISTS (SELECT FROM perennial.run r WHERE r.run_id = event.run_id)')
    tap.ok(not odd, f'{name}: each hold names its run') or tap.note(odd)


def check_plan(tap, program, case, expected):
    """The plan's lines, one a step; returns them."""
    before = whole(program.database)
    done = program('plan', '--as-of', iso_text(case.as_of), '--format', 'jsonl')
    harness.ended_with(tap, done, [0], f'{case.name}: plan ends with 0')
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    tap.ok(whole(program.database) == before and not program.database.rows('SELECT run_id FROM perennial.run'),
           f'{case.name}: plan writes nothing')
    odd = [line for line in lines if list(line) != STEP + ['reason']]
    tap.ok(lines and not odd, f'{case.name}: every line of the plan has the columns of an outcome') or tap.note(odd[:2])
    found = [(line.get('subscription_id'), line.get('kind'), line.get('rule'),
              line.get('reason') if line.get('kind') is None else None) for line in lines]
    missing, unexpected = Counter(expected['plan']) - Counter(found), Counter(found) - Counter(expected['plan'])
    tap.ok(not missing and not unexpected, f"{case.name}: the plan has the expected {len(expected['plan'])} lines") or \
        tap.note(f'missing {list(missing)[:5]}\nunexpected {list(unexpected)[:5]}')
    first = next((i for i, (a, b) in enumerate(zip(expected['plan'], found)) if a != b), None)
    tap.ok(found == expected['plan'], f'{case.name}: in order of bucket, period end, id and step') or \
        first is not None and tap.note(f'line {first + 1} should be {expected["plan"][first]}, is {found[first]}')
    return [line for line in lines if line.get('kind')]


def check_plan_is_run(tap, case, database, steps):
    """Each line of the plan against the outcome that the run wrote for the same period."""
    instants = [c for c in STEP if c.startswith(('period_', 'next_period_'))]
    planned = [{c: '' if line.get(c) is None else str(line[c]) for c in STEP} for line in steps]
    for line in planned:
        # A fraction may be printed with six digits or with fewer.
        line.update((c, re.sub(r'(\.\d*[1-9])0*Z$', r'\1Z', line[c])) for c in instants)
    written = database.rows(f"SELECT {', '.join(STEP)} FROM perennial.outcome")
    for row in written:
        row.update((c, row[c].replace(' ', 'T').replace('+00', 'Z')) for c in instants)
    tap.same(f'{case.name}: the run writes what the plan says', written, planned, ['subscription_id', 'period_end'])


def run_to_the_end(tap, program, case, options, name):
    """Runs once, or again and again while a limit leaves rows due."""
    command = ['run', '--as-of', iso_text(case.as_of), '--allow-future', *options]
    if '--limit' not in options:
        return harness.ended_with(tap, program(*command), [10], f'{name}: rows newly held end the run with 10')
    limit = int(options[options.index('--limit') + 1])
    codes = []
    while not codes or codes[-1] in (10, 11) and len(codes) <= 2 * len(case.rows) // limit:
        codes.append(program(*command).returncode)
    most = max((int(r['n']) for r in program.database.rows(
        'SELECT sum(claimed) AS n FROM perennial.batch GROUP BY run_id')), default=0)
    good = codes[-1] == 0 and {*codes[:-1]} <= {10, 11} and most <= limit
    return tap.ok(good, f'{name}: no run claims more, the last of {len(codes)} ends with 0') or \
        tap.note(f'exit codes {codes}, most claimed {most}')


def check_again(tap, program, case):
    """A second run as of the same instant finds nothing to do."""
    before = whole(program.database)
    done = program('run', '--as-of', iso_text(case.as_of), '--allow-future')
    harness.ended_with(tap, done, [0], f'{case.name}: a second run ends with 0')
    after = whole(program.database)
    odd = [table for table in before if before[table] != after[table]]
    tap.ok(not odd, f'{case.name}: a second run changes no row') or tap.note(odd)


def main():
    tap = harness.Tap()
    tap.note(f'PERENNIAL_SEED={SEED}')
    dice = random.Random(SEED)
    cases = [
        (make_case('spring 2024', dice, datetime(2024, 4, 20, 12), 4000, 600),
         [[], ['--batch-size', '7'], ['--batch-size', '1000'], ['--limit', '97']]),
        # Samoa left out a whole day two weeks earlier.
        (make_case('new year 2012', dice, datetime(2012, 1, 15), 500, 80),
         [[], ['--batch-size', '1'], ['--batch-size', '7'], ['--batch-size', '1000'],
          ['--limit', '97', '--batch-size', '10']]),
        (make_case('the far end', dice, datetime(2999, 10, 20, 12), 300, 60), [[]])]
    for case, modes in cases:
        expected = expect(case)
        kinds = Counter(o['kind'] for o in expected['steps']) + Counter(line[3] for line in expected['plan'] if line[3])
        tap.note(f'{case.name}: ' + ', '.join(f'{n} {k}' for k, n in sorted(kinds.items())))
        for options in modes:
            name = ' '.join([case.name, *options])
            with harness.Database('perennial_oracle') as database:
                program = harness.Program(database, MAX_PERIODS)
                load(database, case)
                if not options:
                    check_calendar(tap, database, case)
                    steps = check_plan(tap, program, case, expected)
                run_to_the_end(tap, program, case, options, name)
                check_tables(tap, database, expected, name)
                if not options:
                    check_plan_is_run(tap, case, database, steps)
                    check_again(tap, program, case)
    tap.done()


if __name__ == '__main__':
    main()
