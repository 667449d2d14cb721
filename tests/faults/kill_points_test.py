#!/usr/bin/python3
"""kill_points_test: the program is killed at every boundary between two statements, and the next run does the rest.

PERENNIAL_FAULTS names the program of make BUILD=faults.  SEED repeats the points at which runs of several workers die.
"""

import collections
import concurrent.futures
import contextlib
import os
import pathlib
import queue
import random
import signal
import sys
import tempfile

sys.dont_write_bytecode = True  # the checkout stays clean

import harness  # noqa: E402
from harness import Cluster, Tap, differences, final_state, perennial, seed, wait_until  # noqa: E402
from small import AS_OF, TABLES, add, refuse, small  # noqa: E402

SEED = seed(20240301)
SEEDS = 20
AT_A_TIME = 4

QUERIES = pathlib.Path(__file__).resolve().parents[2] / 'sql' / 'query'
# What no run asks.
OF_OTHERS = {'check_connection', 'check_data', 'check_durability', 'check_indexes', 'check_privileges', 'check_runs',
             'check_schema', 'check_zones', 'count_held', 'explain', 'explain_boundaries', 'explain_facts', 'health',
             'health_runs', 'held', 'history', 'hold_subscription', 'begin_migration', 'lock_schema', 'add_time_zones',
             'prune_jobs', 'note_pruning', 'release_subscriptions', 'report_scope', 'report_settings',
             'report_statement', 'tieout_failed'}
# A limit that is far off has the run make a plan before its first batch.
CONFIG = 'limits: { max_expired = 1000; };'

REFUSED, FAILING, CAUGHT_UP = 21, 23, 31

# Bucket 1 is what goes well, in two batches; bucket 2 has what the server refuses: one row at once, and one, with its
# hold, as late as at the commit; bucket 3 has one that is 40 periods behind, more than a claim takes up.
SUBSCRIPTIONS = [
    add(1, 'active', '2024-02-10'),
    add(2, 'active', '2024-01-05', price=3, quantity=3),
    add(3, 'active', '2024-02-11', next_price=2),
    add(4, 'active', '2024-02-12', price=2),
    add(5, 'trialing', '2024-02-13'),
    add(6, 'trialing', '2024-02-14', billing=False),
    add(7, 'pending_cancellation', '2024-02-15'),
    add(8, 'active', '2023-10-16'),                            # too far behind
    add(9, 'active', '2024-02-17', price=4, quantity=2),       # its amount is too high
    add(10, 'active', '2024-02-18', hold='payment_dispute'),
    add(11, 'active', '2024-03-19'),                           # not due
    add(12, 'trialing', '2024-03-20', billing=False),
    add(13, 'expired', '2024-01-21'),
    add(14, 'trialing', '2024-02-22', price=3),
    add(REFUSED, 'active', '2024-02-10', account=2),
    add(22, 'pending_cancellation', '2024-02-11', account=2),
    add(FAILING, 'trialing', '2024-02-12', account=2, billing=False),
    add(CAUGHT_UP, 'active', '2020-10-10', account=3, catch_up=True),
    refuse('outcome', REFUSED),
    refuse('outcome', FAILING, late=True),
    refuse('event', FAILING),
]


class Copy:
    """A database with the subscriptions, and a session that is open on it all the time.

    It can be put back to the beginning, which takes much less time than to copy it again.
    """

    def __init__(self, cluster, db, template):
        cluster.createdb(db, template)
        self.conninfo = cluster.conninfo(db)
        self.session = harness.Session(cluster, db)
        # To plan the query of this view takes longer than to execute it.
        self.session('SET session_replication_role = replica; '
                     'PREPARE unsound AS SELECT to_jsonb(t) FROM perennial.unsound t')

    def psql(self, sql, db=None):
        """Rows of one column, as the functions of the harness expect them of a cluster."""
        return [[line.rstrip('\n')] for line in self.session(sql)]

    def value(self, sql):
        [[value]] = self.psql(sql)
        return value

    def reset(self):
        self.psql('BEGIN;' + ''.join(f'DELETE FROM perennial.{table};' for table in TABLES) +
                  'INSERT INTO perennial.subscription TABLE test.subscription; COMMIT')

    def state(self):
        """What runs have done: the rows, and the sums of the batches, of however many runs."""
        totals = self.psql('SELECT kind, currency, sum(subscriptions), sum(amount) FROM perennial.run_total '
                           'GROUP BY kind, currency ORDER BY kind, currency')
        batches = self.psql('SELECT sum(claimed - continued), sum(held) FROM perennial.batch')
        return {**final_state(self, None), 'run_total': [row for [row] in totals], 'batch': [row for [row] in batches]}

    def unsound(self):
        return [row for [row] in self.psql('EXECUTE unsound')]

    def wait_for_backends(self):
        """The server notices the death of a client when it has answered: until then its locks stay."""
        there = ("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() "
                 "AND application_name LIKE 'perennial%')")
        wait_until(lambda: self.value(there) == 'f', 'the backends are gone')


class Copies:
    """Copies that several threads take and give back; for a with block."""

    def __init__(self, cluster, number):
        template = small(cluster, 'template', *SUBSCRIPTIONS,
                         'CREATE TABLE test.subscription AS TABLE perennial.subscription;')
        self.free = queue.SimpleQueue()
        for n in range(number):
            self.free.put(Copy(cluster, f'copy{n}', template))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        while not self.free.empty():
            self.free.get().session.__exit__()

    @contextlib.contextmanager
    def one(self):
        """A copy as it was at first; for a with block."""
        copy = self.free.get()
        try:
            copy.reset()
            yield copy
        finally:
            self.free.put(copy)


class Way:
    """One way to run, what it makes of the subscriptions when nothing happens, and the points that it passes."""

    def __init__(self, copies, *options):
        self.copies, self.options = copies, options
        self.name = ' '.join(['run', *options])
        with copies.one() as copy, tempfile.NamedTemporaryFile('r') as points:
            self.ended = self.run(copy, PERENNIAL_POINTS=points.name)
            # "17 sent write_state" without the number.
            self.points = [line.split(maxsplit=1)[1].strip() for line in points]
            self.state, self.violations = copy.state(), copy.unsound()

    def run(self, copy, workers=1, **env):
        return perennial(copy.conninfo, 'run', '--as-of', AS_OF, '--batch-size', 6, '--format', 'json',
                         '--workers', workers, *self.options, config=CONFIG, env=env)

    def die(self, copy, point, workers=1):
        """Runs until a point is passed; whether it was killed."""
        died = self.run(copy, workers, PERENNIAL_KILL_AT=str(point))
        copy.wait_for_backends()
        return died.code == -signal.SIGKILL

    def survives(self, point, workers=1):
        """Dies at a point and runs again.  What is not as it would be without the death, as lines of text."""
        def last(told):
            return {name: told.json()[name] for name in ('stopped_by', 'left', 'failed', 'held')}

        with self.copies.one() as copy:
            if not self.die(copy, point, workers):
                return ['it was not killed']
            ended = self.run(copy, workers)
            if ended.code != self.ended.code or last(ended) != last(self.ended):
                return [f'wanted: {self.ended}', f'found: {ended}']
            return differences(self.state, copy.state()) + [f'unsound: {row}' for row in copy.unsound()[:5]]


def check_reference(tap, ways):
    for way in ways:
        tap.ok(way.ended.code in (0, 10) and not way.violations, f'{way.name} without faults is sound',
               lambda: [way.ended, *way.violations])
        tap.note(f'{way.name}: {len(way.points)} points')
    statements = collections.Counter(point.split()[1] for way in ways for point in way.points)
    wanted = {file.stem for file in QUERIES.glob('*.sql')} - OF_OTHERS
    tap.ok(wanted == set(statements), 'every statement of a run is among the points',
           lambda: f'missing: {wanted - set(statements)}, not known: {set(statements) - wanted}')


def check_each_point(tap, way):
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        results = pool.map(way.survives, range(1, len(way.points) + 1))
        for number, (point, wrong) in enumerate(zip(way.points, results), 1):
            tap.ok(not wrong, f'{way.name}, killed at point {number} ({point}), is completed by the next run', wrong)


def check_several_workers(tap, way):
    chance = random.Random(SEED)
    # With several workers the same work passes more points, as each prepares its own statements; but not in this order.
    cases = [(chance.choice((2, 3)), chance.randint(1, len(way.points) * 3 // 4)) for _ in range(SEEDS)]
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        results = pool.map(lambda case: way.survives(case[1], case[0]), cases)
        for (workers, point), wrong in zip(cases, results):
            tap.ok(not wrong, f'{way.name}, {workers} workers, killed at point {point}, is completed by the next run, '
                   f'SEED={SEED}', wrong)


def check_died(tap, way):
    """A run that died is told from one that runs, and nothing is ever written for it."""
    state = 'SELECT state FROM perennial.run_state ORDER BY run_id'
    with way.copies.one() as copy:
        killed = way.die(copy, 1 + way.points.index('answered write_outcomes'))
        tap.ok(killed and copy.psql(state) == [['running']], 'a run that has just died may still be running')
        copy.psql("UPDATE perennial.run SET started_at = started_at - interval '1 hour'")
        tap.ok(copy.psql(state) == [['died']], 'without a backend and a sign of life it has died')
        way.run(copy)
        tap.ok(copy.psql(state) == [['died'], ['finished']], 'the next run leaves its row alone')


def main():
    tap = Tap()
    faults = os.environ.get('PERENNIAL_FAULTS')
    if not faults:
        print('1..0 # SKIP PERENNIAL_FAULTS, the program of make BUILD=faults, is not given')
        return
    harness.PROGRAM = faults
    tap.note(f'SEED={SEED}')
    with Cluster() as cluster, Copies(cluster, AT_A_TIME) as copies:
        way, one = Way(copies), Way(copies, '--subscription', str(CAUGHT_UP))
        check_reference(tap, [way, one])
        check_died(tap, way)
        check_each_point(tap, way)
        check_each_point(tap, one)
        check_several_workers(tap, way)
    tap.done()


main()
