#!/usr/bin/python3
"""reports_test: the finance reports over a random business, row by row against an independent model.

SEED repeats a failure; without it the seed is fixed.
"""

import csv
import io
import os
import random
import re
import sys
from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache

sys.dont_write_bytecode = True  # the checkout stays clean

import harness
import reports
from business import BUSY_DAYS, END, START, ZONES, Business, parsed
from months import pg_text
from reports import Books, daily
from tables import DAY, TABLES, Period, local_date, month_after

SEED = int(os.environ.get('SEED', 20261001))
SESSION_ZONES = ['UTC', 'Pacific/Kiritimati', 'America/Los_Angeles']
TICK, HOUR = timedelta(microseconds=1), timedelta(hours=1)

# The key of each report's rows, within a period.
KEYS = {
    'billed': ['currency', 'plan_code', 'interval_months'], 'billed_detail': ['subscription_id', 'revision'],
    'deferred': ['currency', 'plan_code'], 'schedule': ['subscription_id', 'revision', 'period'],
    'waterfall': ['currency', 'booked_period', 'period'], 'journal': ['date', 'kind', 'currency', 'account'],
    'subscriptions': ['segment', 'currency', 'plan_code'], 'mrr': ['currency', 'plan_code'],
    'runs': ['run_id', 'currency'], 'audit': ['subscription_id', 'revision'],
    'overdue': ['currency', 'reason', 'age'], 'holds': ['subscription_id', 'held_at']}
AT_AN_INSTANT = ['overdue', 'holds']

# Roll-forwards: the amounts of their rows.  Of a row in which all are zero, nothing depends on whether it is there.
ROLLS = {'deferred': ['opening_minor', 'imported_minor', 'billed_minor', 'recognised_minor', 'closing_minor'],
         'subscriptions': reports.ROLL, 'mrr': [c + '_minor' for c in reports.MRR]}

INSTANT = re.compile(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[+-]\d\d(:\d\d)?')


@lru_cache(maxsize=None)
def plain(value):
    """Instants in one way of writing, whatever the session's zone."""
    if INSTANT.fullmatch(value):
        return pg_text(datetime.fromisoformat(value).astimezone(timezone.utc).replace(tzinfo=None))
    return value


def asked(database, report, scopes, dice):
    """The rows of a report for each scope, as its readers get them; in one session, that changes its zone."""
    script = []
    for scope in scopes:
        if report in AT_AN_INSTANT:
            arguments = f"'{scope}'"
        else:
            arguments = f"'{scope.first}', '{scope.end}'" + (f", '{scope.zone}'" if scope.zone != 'UTC' else '')
        script.append(f"SET TimeZone = '{dice.choice(SESSION_ZONES)}';\n"
                      f'COPY (SELECT * FROM perennial.report_{report}({arguments})) TO STDOUT (FORMAT csv, HEADER);\n')
    # Compiling a query takes longer than running it over so little.
    script[0] = 'SET ROLE perennial_reader; SET jit = off;\n' + script[0]
    answers = database.psql('\\echo next\n'.join(script)).split('next\n')
    return [[{k: plain(v) for k, v in row.items()} for row in csv.DictReader(io.StringIO(text))] for text in answers]


# Recognition alone.

def check_recognition(tap, database, dice):
    """The function against days counted one by one, and against any cut of the service."""
    cases = [(amount, date(2025, 3, 1), date(2025, 3, 1) + days * DAY)
             for amount in (0, 1, 364, 365, 366, 12000, 99999, 10 ** 15)
             for days in (0, 1, 2, 28, 31, 365, 366)]
    for _ in range(300):
        start = date(2023, 1, 1) + dice.randint(0, 1500) * DAY
        cases.append((dice.choice([dice.randint(0, 400), dice.randint(0, 10 ** 6), dice.randint(0, 10 ** 15)]), start,
                      start + dice.choice([1, 29, 30, 31, 92, 365, 366, dice.randint(1, 800), 3653]) * DAY))
    expected, given = [], []
    for number, (amount, start, end) in enumerate(cases):
        cuts = sorted({start - DAY, start, start + DAY, end - DAY, end, end + DAY, date(1950, 1, 1), date(2999, 1, 1),
                       *(start + dice.randint(0, (end - start).days) * DAY for _ in range(5))})
        earned = daily(amount, start, end)
        for before in cuts:
            given.append(f"({number}, {amount}, date '{start}', date '{end}', date '{before}')")
            expected.append({'case': str(number), 'before': str(before),
                             'earned': str(sum(earned[:max((before - start).days, 0)]))})
    found = database.rows(
        'SELECT n AS case, before, perennial.recognised(amount, start, stop, before) AS earned '
        f"FROM (VALUES {', '.join(given)}) AS v (n, amount, start, stop, before)")
    tap.same('what is earned before a day is what its days add up to', expected, found, ['case', 'before'])
    parts = defaultdict(list)
    for row in sorted(found, key=lambda r: (int(r['case']), r['before'])):
        parts[int(row['case'])].append(int(row['earned']))
    tap.ok(all([parts[n][0], parts[n][-1]] == [0, amount] and parts[n] == sorted(parts[n])
               for n, (amount, _, _) in enumerate(cases)), 'whatever is cut adds up to the whole, and none is negative')
    rows = database.rows(
        "SELECT perennial.recognised(12000, '2026-06-15', '2026-10-13', ends) "
        "- perennial.recognised(12000, '2026-06-15', '2026-10-13', starts) AS earned "
        "FROM perennial.months_of('2026-06-15', '2026-10-13') ORDER BY starts")
    tap.ok([r['earned'] for r in rows] == ['1600', '3100', '3100', '3000', '1200'],
           '120.00 from 2026-06-15 until 2026-10-13 is earned as 16, 31, 31, 30 and 12') or tap.note(rows)


# Periods and instants to look at.

def some_periods(dice, books):
    """Where two periods that follow each other begin and end, and the zone of both."""
    cuts = []
    all_months = [START.date().replace(day=1)]
    while all_months[-1] < END.date():
        all_months.append(month_after(all_months[-1]))
    for _ in range(4):
        n = dice.randrange(len(all_months) - 2)
        cuts.append(all_months[n:n + 3])
    n = dice.randrange(len(all_months) - 6)
    cuts.append(all_months[n:n + 7:3])
    for _ in range(2):
        a = START.date() + dice.randint(-60, 420) * DAY
        cuts.append([a, a + dice.randint(1, 90) * DAY, a + dice.randint(91, 200) * DAY])
    cuts += [[date(2019, 1, 1), date(2020, 1, 1), date(2020, 2, 15)],
             [date(2024, 1, 1), date(2025, 1, 1), date(2026, 1, 1)],
             [date(2024, 12, 1), date(2025, 2, 1), date(2026, 2, 1)],
             [date(2026, 2, 1), END.date(), datetime.now(timezone.utc).date() + DAY]]
    # Each zone has its turn; Havana also where its midnight comes twice.  Single days are those of an import.
    imports = sorted({e.at for entries in books.entries.values() for e in entries if e.kind == 'imported'})
    single = [(local_date(at, zone), zone) for at, zone in zip(dice.sample(imports, 2), ZONES[1:])]
    return [(cut, ZONES[n % len(ZONES)]) for n, cut in enumerate(cuts)] + [
        ([day - DAY, day, day + DAY], zone) for day, zone in single + [(day, 'America/Havana') for day in BUSY_DAYS]]


def some_instants(dice, books):
    """When something ended, was held or released; and when the ages turn."""
    ends = [parsed(s['period_end']) for s in books.subscriptions.values() if s['status'] != 'expired']
    turns = [(e.at, e.kind) for entries in books.entries.values() for e in entries if e.kind in ('held', 'released')]
    late = [end for end in ends if end < END + 20 * DAY]
    found = [END, START - 30 * DAY, datetime.now(timezone.utc).replace(tzinfo=None)]
    found += [end + age - tick for age in (0 * DAY, HOUR, 24 * HOUR, 8 * DAY, 31 * DAY) for tick in (0 * DAY, TICK)
              for end in dice.sample(late, 2)]
    for kind in ('held', 'released'):
        times = sorted({at for at, k in turns if k == kind})
        found += [parsed(at) - tick for at in dice.sample(times, min(4, len(times))) for tick in (0 * DAY, TICK)]
    return [pg_text(at) for at in sorted(set(found))]


# The reports.

def without_zeros(report, rows):
    return [row for row in rows if report not in ROLLS or any(row[c] not in ('0', '') for c in ROLLS[report])]


def same_report(tap, report, scopes, books, answers):
    expected, found = [], []
    for scope, rows in zip(scopes, answers):
        of = scope if isinstance(scope, str) else f'{scope.first}/{scope.end} {scope.zone}'
        expected += [{'of': of} | row for row in without_zeros(report, getattr(books, 'report_' + report)(scope))]
        found += [{'of': of} | {k: v for k, v in row.items() if k != 'entry'} for row in without_zeros(report, rows)]
    strange = {c for row in found for c in row} ^ {c for row in expected for c in row}
    tap.ok(expected and not strange, f'{report}: its columns are the documented ones') or tap.note(strange)
    tap.same(f'{report}: {len(scopes)} times, every row is as it should be', expected, found, ['of', *KEYS[report]])


def check_entries(tap, journals):
    """Entries are numbered in order of date, and each has two postings that balance."""
    wrong = []
    for scope, rows in journals:
        entries = defaultdict(list)
        for row in rows:
            entries[int(row['entry'])].append(row)
        order = [entries[n][0]['date'] for n in sorted(entries)]
        opening = [n for n, e in entries.items() if e[0]['kind'] == 'opening']
        if sorted(entries) != list(range(1, len(entries) + 1)) or order != sorted(order) \
           or opening != list(range(1, len(opening) + 1)):
            wrong.append(f'{scope}: the numbers')
        wrong += [f'{scope}: entry {n}' for n, e in entries.items()
                  if len(e) != 2 or len({(p['date'], p['kind'], p['currency']) for p in e}) != 1
                  or sum(int(p['debit_minor']) - int(p['credit_minor']) for p in e)]
    tap.ok(not wrong, 'journal: entries are numbered by date, and each balances') or tap.note(wrong[:3])


def check_chain(tap, threes, rolls):
    """Of two periods that follow each other the first closes as the second opens; together they move as both in one."""
    wrong = []
    for report, columns in ROLLS.items():
        for three in threes:
            lines = [defaultdict(lambda: dict.fromkeys(columns, 0)) for _ in three]
            for line, scope in zip(lines, three):
                for row in rolls[report, scope]:
                    line[tuple(row[k] for k in KEYS[report])] = {c: int(row[c]) for c in columns}
            for key in set().union(*lines):
                one, two, both = (line[key] for line in lines)
                if one[columns[-1]] != two[columns[0]] or any(
                        both[c] != (one[c] if c == columns[0] else two[c] if c == columns[-1] else one[c] + two[c])
                        for c in columns):
                    wrong.append(f'{report} {three[2]} {key}: {one} {two} {both}')
    tap.ok(not wrong, 'each closing is the next opening, and movements add up') or tap.note('\n'.join(wrong[:3]))


def check_example(tap, number, rows):
    tap.ok([r['recognised'] for r in rows if r['subscription_id'] == number] ==
           ['16.00', '31.00', '31.00', '30.00', '12.00'], 'schedule: 120.00 over four months as by hand')


def check_tieout(tap, scopes, answers):
    failed = [f'{scope}: {row}' for scope, rows in zip(scopes, answers) for row in rows if row['result'] != 'PASS']
    tap.ok(all(answers) and not failed, f'tieout: {sum(map(len, answers))} checks of {len(scopes)} periods pass') or \
        tap.note('\n'.join(failed[:5]))


def check_reports(tap, database, books, dice, example):
    # Two that follow each other, and both as one.
    threes = [[Period(a, b, zone), Period(b, c, zone), Period(a, c, zone)]
              for (a, b, c), zone in some_periods(dice, books)]
    scopes = {report: some_instants(dice, books) if report in AT_AN_INSTANT else [p for three in threes for p in three]
              for report in KEYS}
    answers = {}
    for report in KEYS:
        answers[report] = asked(database, report, scopes[report], dice)
        same_report(tap, report, scopes[report], books, answers[report])
    check_entries(tap, zip(scopes['journal'], answers['journal']))
    check_chain(tap, threes, {(report, scope): rows for report in ROLLS
                              for scope, rows in zip(scopes[report], answers[report])})
    june = Period(date(2025, 6, 1), date(2025, 7, 1), 'UTC')
    check_example(tap, example, sorted(asked(database, 'schedule', [june], dice)[0], key=lambda r: r['period']))
    tied = [three[0] for three in threes[::2]]
    check_tieout(tap, tied, asked(database, 'tieout', tied, dice))


def main():
    tap = harness.Tap()
    tap.note(f'SEED={SEED}')
    dice = random.Random(SEED)
    harness.CLIENT['INVOCATION_ID'] = '5eed'  # what systemd says
    with harness.Database('perennial_reports') as database:
        check_recognition(tap, database, dice)
        business = Business(database, dice)
        example = business.whole()
        books = Books({table: database.rows(f'SELECT * FROM perennial.{table} t ORDER BY t') for table in TABLES})
        kinds = defaultdict(int)
        for entries in books.entries.values():
            for entry in entries:
                kinds[entry.kind] += 1
        tap.note(f'{len(books.subscriptions)} subscriptions, {len(books.runs)} runs; ' + ', '.join(
            f'{kind} {n}' for kind, n in sorted(kinds.items())))
        tap.ok(set(business.codes) == {0, 10, 11} and len(kinds) == 15, 'all that there is happened')
        check_reports(tap, database, books, dice, example)
    tap.done()


if __name__ == '__main__':
    main()
