"""harness: TAP output, throw-away databases and calls of the program, shared by the tests of this folder."""

import csv
import io
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = os.environ.get('PERENNIAL', str(HERE.parent.parent / 'build' / 'release' / 'perennial'))
TEMPLATE = os.environ.get('PERENNIAL_TEMPLATE', 'perennial_template')

# One fixed way of writing instants lets both sides be compared as text.
CLIENT = dict(os.environ, PGTZ='UTC', PGDATESTYLE='ISO', PGCLIENTENCODING='UTF8')


class Tap:
    """Counts and prints test results; the plan line comes last, when the number is known."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, good, name):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}", flush=True)
        return good

    def note(self, text):
        for line in str(text).rstrip().splitlines():
            print('# ' + line, flush=True)

    def same(self, name, expected, actual, key, shown=3):
        """Compares two lists of dicts of text as sets with the given key columns; prints the first differences."""
        want = {tuple(row[k] for k in key): row for row in expected}
        have = {tuple(row[k] for k in key): row for row in actual}
        notes = []
        if len(have) != len(actual) or len(want) != len(expected):
            notes.append('several rows with one key')
        for k in sorted(want.keys() | have.keys()):
            if k not in have:
                notes.append(f'missing {k}: {want[k]}')
            elif k not in want:
                notes.append(f'unexpected {k}: {have[k]}')
            elif want[k] != have[k]:
                columns = [c for c in want[k] if want[k][c] != have[k].get(c)]
                notes.append(f'{k}: ' + '; '.join(
                    f'{c} should be {want[k][c]!r}, is {have[k].get(c)!r}' for c in columns))
        if not self.ok(not notes, f'{name} ({len(expected)} rows)'):
            for line in notes[:shown]:
                self.note(line)
            if len(notes) > shown:
                self.note(f'and {len(notes) - shown} more')
        return not notes

    def done(self):
        print(f'1..{self.count}', flush=True)
        sys.exit(1 if self.failed else 0)


class Database:
    """A database of the test's own, copied from the migrated template and dropped at the end."""

    def __init__(self, name):
        self.name = f'{name}_{os.getpid()}'

    def __enter__(self):
        subprocess.run(['createdb', '-T', TEMPLATE, self.name], env=CLIENT, check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(['dropdb', '--force', self.name], env=CLIENT, check=True)

    def psql(self, script):
        done = subprocess.run(['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', self.name, '-f', '-'],
                              input=script, env=CLIENT, text=True, capture_output=True)
        if done.returncode:
            raise RuntimeError(f'psql: {done.stderr}')
        return done.stdout

    def load(self, tables):
        """Fills tables from {name: list of dicts}; the replica role lets rows in whose price or zone is missing."""
        script = ['BEGIN;', 'SET LOCAL session_replication_role = replica;']
        for table, rows in tables.items():
            if rows:
                columns = list(rows[0])
                text = io.StringIO()
                csv.writer(text, lineterminator='\n').writerows([row[c] for c in columns] for row in rows)
                script += [f"COPY perennial.{table} ({', '.join(columns)}) FROM STDIN (FORMAT csv);",
                           text.getvalue() + '\\.']
        self.psql('\n'.join(script + ['COMMIT;', 'ANALYZE;', '']))

    def rows(self, query):
        """The rows of a query as dicts of text, null being the empty text."""
        return list(csv.DictReader(io.StringIO(self.psql(f'COPY ({query}) TO STDOUT (FORMAT csv, HEADER);'))))


class Program:
    """The program under test with a configuration file of its own."""

    def __init__(self, database, max_periods):
        self.database = database
        # The tests hold more rows than the brake max_held allows by default; a program without that brake refuses
        # the key with 78.
        self.settings = 'limits: { max_held = 0; };\n'
        if self('plan', '--as-of', '2000-01-01T00:00:00Z').returncode == 78:
            self.settings = ''
        self.settings += f'catch_up: {{ max_periods = {max_periods}; }};\n'

    def __call__(self, *arguments):
        with tempfile.NamedTemporaryFile('w', suffix='.conf') as config:
            config.write(self.settings)
            config.flush()
            command = [PROGRAM, '-c', config.name, '-d', f'dbname={self.database.name}', *arguments]
            return subprocess.run(command, env=CLIENT, text=True, capture_output=True, timeout=120)


def ended_with(tap, done, codes, name):
    """Tests the exit code; what the program said is shown when it is another one."""
    if not tap.ok(done.returncode in codes, name):
        tap.note(f'exit code {done.returncode}, wanted {" or ".join(map(str, codes))}')
        tap.note('\n'.join(done.stderr.splitlines()[-10:]))
    return done.returncode in codes
