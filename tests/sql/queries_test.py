#!/usr/bin/python3
"""queries_test: every statement of sql/query is valid, is what its header says, and is allowed to whoever sends it.

Nothing is executed but what opens, closes or reads a transaction: PREPARE tells the parameters, \\gdesc the columns,
EXPLAIN EXECUTE whether a role's privileges suffice.  Those of sql/report are run as psql runs them, on no data.
"""

import functools
import os
import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent / 'sql' / 'query'
REPORTS = FOLDER.parent / 'report'
TEMPLATE = os.environ.get('PERENNIAL_TEMPLATE', 'perennial_template')
DATABASE = f'perennial_queries_{os.getpid()}'

# What PREPARE does not take, by the first word, and what has to come before.  DECLARE is prepared without its first
# line, and opened for FETCH.
TRANSACTION = {'BEGIN': '', 'COMMIT': 'BEGIN;', 'ROLLBACK': 'BEGIN; SAVEPOINT one_row;', 'SAVEPOINT': 'BEGIN;',
               'SET': 'BEGIN;'}
CURSOR = re.compile(r'DECLARE (\w+) NO SCROLL CURSOR FOR\n')
FETCH = re.compile(r'FETCH \d+ FROM (\w+)\n')

# Who sends what.  A statement that is not listed must be allowed to at least one of the roles.
OWNER = {'add_time_zones'}
SENDS = {
    'perennial_batch': {
        'boundaries', 'check_connection', 'check_data', 'check_durability', 'check_indexes', 'check_privileges',
        'check_schema', 'check_zones', 'claim', 'claim_one', 'count_due', 'currencies', 'find_subscription',
        'finish_run', 'has_schema', 'health', 'health_runs', 'hold_row', 'lock_next', 'next_due', 'notify_jobs', 'offers',
        'open_plan', 'recent_amounts', 'recent_pace', 'report_settings', 'run_batches', 'run_totals', 'running',
        'schema_version', 'server', 'settings', 'start_run', 'work_buckets', 'write_batch', 'write_holds',
        'write_outcomes', 'write_state'},
    'perennial_reader': {
        'boundaries', 'check_connection', 'check_data', 'check_durability', 'check_indexes', 'check_privileges',
        'check_runs', 'check_schema', 'check_zones', 'count_due', 'count_held', 'currencies', 'explain',
        'explain_boundaries', 'explain_facts', 'find_subscription', 'has_schema', 'health', 'health_runs', 'held', 'history', 'next_due',
        'offers', 'open_plan', 'recent_amounts', 'recent_pace', 'running', 'report_scope', 'report_settings',
        'report_statement', 'run_batches', 'run_totals', 'schema_version', 'server', 'tieout_failed'},
    'perennial_operator': {
        'find_subscription', 'held', 'hold_subscription', 'note_pruning', 'prune_jobs', 'release_subscriptions'},
    'perennial_app': set(),
}
LOCKS_OR_WRITES = {
    'start_run', 'finish_run', 'write_batch', 'write_holds', 'write_outcomes', 'write_state', 'claim', 'claim_one',
    'hold_row', 'hold_subscription', 'lock_next', 'note_pruning', 'prune_jobs', 'release_subscriptions'}

DENIED = '42501'

# What a report may ask for, by the names that psql knows them by.
VALUES = {'from': '2024-01-01', 'to': '2024-02-01', 'time_zone': 'Europe/Paris', 'as_of': '2024-02-01 12:00Z',
          'currency': 'EUR', 'plan': 'basic', 'most': '20', 'receivable': 'r', 'deferred': 'd', 'revenue': 'i', 'opening': 'o',
          'reason': 'row_fault'}

# What these return is not looked at.
UNREAD = {'lock_schema', 'settings'}


class Tap:
    """Counts and prints the results."""

    def __init__(self):
        self.count = self.failed = 0

    def ok(self, good, name, why=''):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}")
        for line in '' if good else str(why).rstrip().splitlines():
            print('# ' + line)
        return good

    def same(self, have, want, name):
        return self.ok(have == want, name, f'have: {have}\nwant: {want}')


class Query:
    """One file: its statement as the program gets it, without comments, and what the header says."""

    def __init__(self, path):
        self.stem = path.stem
        lines, self.parts = [], set()
        for line in path.read_text().splitlines():
            part = re.fullmatch(r'\s*:([a-z_]+)\s*', line)
            lines += (FOLDER / f'{part[1]}.inc').read_text().splitlines() if part else [line]
            self.parts |= {part[1]} if part else set()
        self.text = ''.join(line + '\n' for line in lines if not line.lstrip().startswith('--'))

        header = []
        for line in lines:
            if not line.startswith('--'):
                break
            header.append(line[2:].strip())
        self.title = header[0].split(':')[0] if header else ''
        parameters = [re.match(r'\$(\d+) (\S.*?)(?:  |$)', line) for line in header]
        self.parameters = [(int(m[1]), m[2]) for m in parameters if m]
        returns = re.search(r'(?:^|\n)returns ((?:.*,\n)*.*)', '\n'.join(header))
        self.returns_part = re.fullmatch(r'the columns of (\w+)\.inc', returns[1]) if returns else None
        self.returns = [column.partition(' ')[::2] for column in re.split(r',\s+', returns[1])] if returns else None

        self.word = self.text.split(None, 1)[0].upper()
        self.cursor = CURSOR.match(self.text)
        self.fetch = FETCH.match(self.text)
        self.prepared = self.text[self.cursor.end():] if self.cursor else self.text

    def opened(self):
        """The cursor's statement with a null for each parameter, which only a driver can send."""
        kinds = dict(self.parameters)
        return re.sub(r'\$(\d+)', lambda m: f'NULL::{kinds[int(m[1])]}', self.text)


def psql(script):
    """The rows of a script as lists of text, or None and what went wrong; a warning is wrong too."""
    done = subprocess.run(['psql', '-XqAt', '-F', '\t', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose',
                           '-d', DATABASE, '-f', '-'], text=True, input=script, capture_output=True,
                          env=dict(os.environ, LC_ALL='C'))
    if done.returncode or done.stderr:
        return None, done.stderr
    return [line.split('\t') for line in done.stdout.splitlines()], ''


@functools.lru_cache(maxsize=None)
def spelled(kind):
    """A type as regtype prints it; without a length, which is no part of a parameter or a header."""
    rows, why = psql("SELECT '{}'::regtype;".format(kind.replace("'", "''")))
    return rows[0][0] if rows else f'{kind}: {why}'


def check_parameters(tap, query):
    rows, why = psql(f'PREPARE checked AS\n{query.prepared};\n'
                     'SELECT t FROM pg_prepared_statements, unnest(parameter_types) WITH ORDINALITY AS u (t, n)\n'
                     'ORDER BY n;\n')
    bare = re.sub("'[^']*'", '', query.prepared)
    if not tap.ok(rows is not None and ';' not in bare, f'{query.stem} is one valid statement',
                  why or 'a semicolon'):
        return False
    tap.same([number for number, _ in query.parameters], list(range(1, len(rows) + 1)),
             f'{query.stem} has each of its parameters once in the header')
    tap.same([spelled(kind) for _, kind in query.parameters], [row[0] for row in rows],
             f'{query.stem} takes the types that its header says')
    return True


def check_columns(tap, query):
    rows, why = psql(f'{query.prepared}\\gdesc\n')
    columns = [row for row in rows or [] if len(row) == 2]
    if not tap.ok(rows is not None, f'{query.stem} can be described', why) or query.stem in UNREAD:
        return
    if query.returns is None:
        tap.same(columns, [], f'{query.stem} returns nothing, as its header says')
        return
    if query.returns_part:
        tap.ok(query.returns_part[1] in query.parts, f'{query.stem} returns what its header says',
               f'{query.returns_part[1]}.inc is no part of it')
        return
    have = [(name, spelled(kind)) for name, kind in columns]
    tap.same(have, [(name, spelled(kind)) for name, kind in query.returns],
             f'{query.stem} returns what its header says')


def refusal(query, role):
    nulls = ', '.join(f'NULL::{kind}' for _, kind in query.parameters)
    arguments = f'({nulls})' if nulls else ''
    rows, why = psql(f'SET ROLE {role};\nPREPARE checked AS\n{query.prepared};\nEXPLAIN EXECUTE checked{arguments};\n')
    return '' if rows is not None else why


def check_roles(tap, query):
    if query.stem in OWNER:
        for role in SENDS:
            why = refusal(query, role)
            tap.ok(DENIED in why, f'{role} may not send {query.stem}', why or 'it may')
        return
    senders = [role for role in SENDS if query.stem in SENDS[role]]
    for role in senders:
        why = refusal(query, role)
        tap.ok(not why, f'{role} may send {query.stem}', why)
    if not senders:
        whys = [refusal(query, role) for role in SENDS]
        tap.ok('' in whys, f'some role may send {query.stem}', '\n'.join(whys))
    if query.stem in LOCKS_OR_WRITES:
        why = refusal(query, 'perennial_reader')
        tap.ok(DENIED in why, f'perennial_reader may not send {query.stem}', why or 'it may')


def check_transaction(tap, query):
    rows, why = psql(f'{TRANSACTION[query.word]}\n{query.text};\n')
    tap.ok(rows == [], f'{query.stem} is a valid statement', why)
    tap.same(query.parameters, [], f'{query.stem} has no parameters')


def check_fetch(tap, query, cursors):
    opener = cursors.get(query.fetch[1])
    if tap.ok(opener, f'{query.stem} reads a cursor that another statement opens'):
        rows, why = psql(f'BEGIN;\n{opener.opened()};\n{query.text};\nROLLBACK;\n')
        tap.ok(rows == [], f'{query.stem} is valid after {opener.stem}', why)


def check_report(tap, path):
    text = path.read_text()
    statement = ''.join(line for line in text.splitlines(True) if not line.lstrip().startswith('--'))
    bare = re.sub("'[^']*'", '', statement)
    values = ''.join(f"\\set {name} '{value}'\n" for name, value in VALUES.items())
    tap.ok(text.startswith(f'-- {path.stem}: '), f'report {path.stem} opens with its name', text.partition('\n')[0])
    tap.same(set(re.findall(r":'(\w+)'", statement)) - set(VALUES), set(), f'report {path.stem} asks for known values')
    rows, why = psql(f'{values}PREPARE checked AS\n{text};\nSELECT count(*) FROM pg_prepared_statements;\n')
    tap.ok(rows == [['1']] and ';' not in bare, f'report {path.stem} is one valid statement', why or 'a semicolon')
    # As the manual page has it: psql -f, at whose end no semicolon stands.
    rows, why = psql(f'{values}SET default_transaction_read_only = on;\nSET ROLE perennial_reader;\n{text}')
    tap.ok(rows is not None, f'perennial_reader may read report {path.stem} with psql', why)
    rows, why = psql(f'{values}SET ROLE perennial_app;\n{text}')
    tap.ok(DENIED in why, f'perennial_app may not read report {path.stem}', why or 'it may')


def main():
    tap = Tap()
    queries = [Query(path) for path in sorted(FOLDER.glob('*.sql'))]
    cursors = {query.cursor[1]: query for query in queries if query.cursor}
    known = set().union(OWNER, LOCKS_OR_WRITES, UNREAD, *SENDS.values())
    tap.same(known - {query.stem for query in queries}, set(), 'every statement that this test names is there')
    tap.ok(len(queries) > 20, 'there are statements to test')

    for query in queries:
        tap.same(query.title, query.stem, f'{query.stem} opens with its name')
        if query.word in TRANSACTION:
            check_transaction(tap, query)
        elif query.fetch:
            check_fetch(tap, query, cursors)
        elif check_parameters(tap, query):
            check_columns(tap, query)
            check_roles(tap, query)

    reports = sorted(REPORTS.glob('*.sql'))
    tap.ok(len(reports) > 12, 'there are reports to test')
    for path in reports:
        check_report(tap, path)

    print(f'1..{tap.count}')
    return 1 if tap.failed else 0


if __name__ == '__main__':
    subprocess.run(['createdb', '-T', TEMPLATE, DATABASE], check=True)
    try:
        status = main()
    finally:
        sys.stdout.flush()
        subprocess.run(['dropdb', '--force', DATABASE], check=True)
    sys.exit(status)
