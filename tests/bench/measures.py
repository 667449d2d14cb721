"""measures: what is measured, a part at a time.  Each part returns what it found, as numbers by name."""

import pathlib
import statistics
import tempfile
import threading
import time

from contenders import Contender, Limit, Ours, Procedure, RowByRow, left_behind
from faults.harness import Session, binary
from stage import HERE, due_at, live, timed


class Scale:
    """How much of everything."""

    def __init__(self, subscriptions, due, dues, totals, same_due, batch_sizes, workers, sample, times, seconds,
                 allowed):
        self.subscriptions, self.due = subscriptions, due  # of the contest
        self.dues = dues                                   # of the subscriptions, at a time
        self.totals, self.same_due = totals, same_due      # so many are due of each total, and with each batch size
        self.batch_sizes, self.workers = batch_sizes, workers
        self.sample = sample                               # of those that are done row by row
        self.times = times                                 # the median counts
        self.seconds = seconds                             # of customers without a run
        self.allowed = allowed                             # rows a second, of a run that is held back


SCALES = {
    'short': Scale(4_000, 800, (100, 800), (2_000, 4_000), 800, (10, 1_000), (1, 2), 100, 1, 1, 400),
    'full': Scale(1_000_000, 190_000, (1_000, 10_000, 100_000, 950_000), (100_000, 1_000_000), 50_000,
                  (10, 100, 1_000, 10_000), (1, 2, 4), 2_000, 3, 20, 10_000),
}
SCALES['long'] = Scale(**{**vars(SCALES['full']), 'totals': (100_000, 1_000_000, 10_000_000)})


class Plan(Contender):
    """The program's preview of the same."""

    def __init__(self):
        super().__init__('plan')

    def run(self, stage, db, as_of):
        return stage.perennial(db, 'plan', '--as-of', as_of)


class Case:
    """A contender, and what it has to do."""

    def __init__(self, name, contender, due, subscriptions):
        self.name, self.contender, self.due, self.subscriptions = name, contender, due, subscriptions
        self.costs, self.wal, self.busy = [], [], []

    def run(self, stage):
        """Does it once, on a fresh copy, whose name is returned."""
        db, as_of = stage.fresh(self.subscriptions), due_at(self.due, self.subscriptions)
        self.contender.prepare(stage, db, as_of)
        wal, busy = stage.wal(), stage.busy()
        self.costs.append(self.contender.run(stage, db, as_of))
        self.busy.append(stage.busy() - busy)
        self.wal.append(stage.wal() - wal)
        return db

    def found(self):
        seconds = [cost.seconds for cost in self.costs]
        return {'due': self.due, 'subscriptions': self.subscriptions, 'seconds': statistics.median(seconds),
                'all_seconds': [round(s, 3) for s in seconds], 'server_busy': statistics.median(self.busy),
                'client_busy': statistics.median(cost.busy for cost in self.costs),
                'mib': max(cost.mib for cost in self.costs),
                'wal_bytes_a_row': statistics.median(self.wal) / self.due}


def race(stage, cases, times, finish=lambda case, db: None):
    """Each case so many times, in turn: whatever changes on the machine meets all of them.  finish looks at what the
    first time left behind."""
    for turn in range(times):
        for case in cases:
            db = case.run(stage)
            if turn == 0:
                finish(case, db)
    return {case.name: case.found() for case in cases}


def contest(stage, scale):
    """All contenders over the same rows, and whether they did the same."""
    rows = {}

    def compare(case, db):
        if not isinstance(case.contender, Plan):
            rows[case.name] = left_behind(stage, db)

    contenders = [Ours(1), Ours(2), Limit(), Procedure(1), Procedure(2), Plan()]
    found = race(stage, [Case(c.name, c, scale.due, scale.subscriptions) for c in contenders], scale.times, compare)
    # A sample, at the same instant, and what it would take for all of them.
    slow = RowByRow(scale.sample)
    found |= race(stage, [Case(slow.name, slow, scale.due, scale.subscriptions)], scale.times)
    for what in 'seconds', 'server_busy', 'client_busy', 'wal_bytes_a_row':
        found[slow.name][what] *= scale.due / scale.sample
    found[slow.name]['sample'] = scale.sample
    # What it does is compared where all of it is little.
    for name, contender in ('few', Ours(1)), (slow.name, RowByRow()):
        case = Case(name, contender, scale.sample, scale.subscriptions)
        compare(case, case.run(stage))
    different = {}
    for name, left in rows.items():
        wanted = rows['few' if name == slow.name else Ours(1).name]
        if name != 'few' and left != wanted:
            different[name] = [table for table in wanted if left[table] != wanted[table]]
    return {'contenders': found, 'different': different}


def by_due(stage, scale):
    """One worker over more and more due rows of the same table."""
    return race(stage, [Case(due, Ours(1), due, scale.subscriptions) for due in scale.dues], scale.times)


def by_total(stage, scale):
    """One worker over as many due rows of larger and larger tables."""
    return race(stage, [Case(total, Ours(1), scale.same_due, total) for total in scale.totals], scale.times)


def by_batch_size(stage, scale):
    """One worker, with batches of several sizes."""
    return race(stage, [Case(size, Ours(1, size), scale.same_due, scale.subscriptions) for size in scale.batch_sizes],
                scale.times)


def by_workers(stage, scale):
    """More and more workers."""
    return race(stage, [Case(n, Ours(n), scale.due, scale.subscriptions) for n in scale.workers], scale.times)


def idle(stage, scale):
    """A run with nothing due and one with a thousandth, beside the least that a client can ask and the best by hand."""
    db, total = stage.fresh(scale.subscriptions), scale.subscriptions
    seconds, wal = {'psql': [], 'run': []}, []
    for _ in range(max(scale.times, 3) * 3):
        seconds['psql'].append(timed(stage.psql_command(db, '-c', 'SELECT 1')).seconds)
        before = stage.wal()
        seconds['run'].append(stage.perennial(db, 'run', '--as-of', due_at(0, total)).seconds)
        wal.append(stage.wal() - before)
    few = race(stage, [Case(name, contender, total // 1000, total) for name, contender in (
        ('few', Ours(2)), ('few_limit', Limit()), ('few_procedure', Procedure(1)))], scale.times)
    return {'psql': statistics.median(seconds['psql']), 'run': statistics.median(seconds['run']),
            'wal_bytes': statistics.median(wal), 'few_due': total // 1000, 'few_wal_bytes_a_row': few['few']['wal_bytes_a_row'],
            **{name: case['seconds'] for name, case in few.items()}}


class Customers:
    """200 of them a second, for so long; latencies() tells of those that were served while something lasted."""

    def __init__(self, stage, db, subscriptions, seconds):
        self.folder = tempfile.TemporaryDirectory()
        script = f'{self.folder.name}/script'
        with open(script, 'w') as file:
            file.write(f'\\set id random(1, {subscriptions})\n\\set cancels random(0, 1)\n'
                       'SELECT bench.customer(:id, :cancels = 1);\n')
        self.command = [binary('pgbench'), '-n', '-M', 'prepared', '-c', 8, '-R', 200, '-T', seconds, '-f', script,
                        '-l', f'--log-prefix={self.folder.name}/log', '-h', stage.folder, '-U', 'postgres',
                        db]
        self.thread = threading.Thread(target=self._act)
        self.lines, self.fault = [], None

    def _act(self):
        try:
            timed(self.command)
        except RuntimeError as fault:
            self.fault = fault

    def __enter__(self):
        self.thread.start()
        time.sleep(1)
        return self

    def __exit__(self, *_):
        self.thread.join()
        for log in pathlib.Path(self.folder.name).glob('log*'):
            self.lines += [line.split() for line in log.read_text().splitlines()]
        self.folder.cleanup()
        if self.fault:
            raise self.fault

    def latencies(self, began, ended):
        """Milliseconds from when each was to be served until it was, in order."""
        found = []
        for _, _, microseconds, _, second, rest, *_ in self.lines:
            done = int(second) + int(rest) / 1e6
            if done >= began and done - int(microseconds) / 1e6 <= ended:
                found.append(int(microseconds) / 1000)
        return sorted(found)


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def gentle(stage, scale):
    """How long customers wait, without a run, while one is on, and while one is held back."""
    found = {}
    for name, run in (('idle', None), ('run, 1 worker', Ours(1)), ('run, 2 workers', Ours(2)),
                      ('held back', Ours(2, allowed=scale.allowed))):
        p50, p99, took, served = [], [], [], 0
        for _ in range(scale.times):
            db = stage.fresh(scale.subscriptions)
            stage.psql((HERE / 'customers.sql').read_text(), db)
            with Customers(stage, db, scale.subscriptions, scale.seconds + 1) as customers:
                began = time.time()
                took.append(run.run(stage, db, due_at(scale.due, scale.subscriptions)).seconds if run else scale.seconds)
            found_ms = customers.latencies(began, began + took[-1])
            p50.append(percentile(found_ms, 0.50))
            p99.append(percentile(found_ms, 0.99))
            served += len(found_ms)
        found[name] = {'p50_ms': statistics.median(p50), 'p99_ms': statistics.median(p99), 'served': served,
                       'seconds': statistics.median(took)}
    found['held back']['rows_per_second'] = scale.due / found['held back']['seconds']
    found['held back']['allowed'] = scale.allowed
    return found


# Seconds for a row in each tenth of the transactions, from when each began.
TENTHS = """
SELECT tenth, sum(extract(epoch FROM took)) / sum(claimed)
FROM (SELECT sum(claimed) AS claimed, lead(committed_at) OVER w - committed_at AS took, ntile(10) OVER w AS tenth
      FROM perennial.batch GROUP BY committed_at WINDOW w AS (ORDER BY committed_at)) AS batch
WHERE took IS NOT NULL GROUP BY tenth ORDER BY tenth
"""


def snapshot(stage, scale):
    """Whether a run slows down on its way while somebody holds a snapshot, such as a dump."""
    as_of, found = due_at(scale.due, scale.subscriptions), {'free': [], 'held': []}
    tenths = []
    for _ in range(scale.times):
        for name, seconds in found.items():
            db = stage.fresh(scale.subscriptions)
            with Session(stage, db) as dump:
                if name == 'held':
                    dump('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM perennial.plan')
                seconds.append(Ours(1, 100).run(stage, db, as_of).seconds)
            if name == 'held':
                tenths.append([float(row) for _, row in stage.psql(TENTHS, db)])
    return {'free': statistics.median(found['free']), 'held': statistics.median(found['held']),
            'us_a_row': [round(statistics.median(row) * 1e6, 2) for row in zip(*tenths)]}


# Bytes of the tables that grow with what is done, and of their indexes.
SIZES = """
SELECT c.relname, pg_table_size(c.oid), pg_indexes_size(c.oid)
FROM pg_class c WHERE c.relnamespace = 'perennial'::regnamespace
     AND c.relname IN ('subscription', 'outcome', 'notification_job', 'batch', 'batch_total')
"""


def sizes(stage, db):
    return {table: {'table': int(heap), 'indexes': int(indexes)} for table, heap, indexes in stage.psql(SIZES, db)}


def space(stage, scale):
    """What is on the disk after each of three months, when dead rows are removed in between and when they are not."""
    total = min(scale.totals)
    found = {'subscriptions': total, 'before': sizes(stage, stage.template(total))}
    for name in 'vacuumed', 'not vacuumed':
        db, found[name] = stage.fresh(total), []
        for month in range(3):
            wal = stage.wal()
            seconds = Ours(1).run(stage, db, due_at(live(total), total, months=month)).seconds
            wal, done = stage.wal() - wal, int(stage.value(
                'SELECT sum(claimed) FROM perennial.batch WHERE run_id = (SELECT max(run_id) FROM perennial.run)', db))
            began = time.perf_counter()
            if name == 'vacuumed':
                stage.psql('VACUUM perennial.subscription', db)
            found[name].append({'due': done, 'us_a_row': seconds / done * 1e6, 'wal_bytes_a_row': wal / done,
                                'vacuum_seconds': time.perf_counter() - began, 'bytes': sizes(stage, db)})
    return found
