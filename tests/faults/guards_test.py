#!/usr/bin/python3
"""guards_test: for each guard that keeps work from being done twice, or not at all, what happens where it is needed.

guards_test.py [NAME ...] does those of these names.  PERENNIAL_SERVER_FOLDER is the folder of a server's socket;
without it the test starts one.  mutants_test.py takes the guards away one by one.
"""

import contextlib
import os
import pathlib
import signal
import sys
import threading

sys.dont_write_bytecode = True  # the checkout stays clean

from harness import Cluster, Session, Started, Tap, perennial, unsound, wait_until  # noqa: E402
from proxy import Proxy  # noqa: E402
from small import AS_OF, add, refuse, small  # noqa: E402

# Where a guard is gone, a fault that stays is to be told soon; a run that has them waits for nothing.
SOON = 'run: { retry_for = "1s"; lock_timeout = "200ms"; };'
PATIENT = 'run: { lock_timeout = "120s"; };'
ONE_HELD = SOON + 'limits: { max_held = 1; };'

FOUR = ''.join(add(id, 'active', f'2024-02-1{id}') for id in range(1, 5))

# Waits until another session lets it go on.
WAIT = """
CREATE FUNCTION test.wait() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;
"""


class Running(Cluster):
    """A server that somebody else started, and will stop."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Bench:
    """A database of a test's own, and what is asked of it."""

    def __init__(self, tap, cluster, template, db):
        self.tap, self.cluster, self.template, self.db = tap, cluster, template, db
        self.ok = tap.ok

    def given(self, *statements):
        """Starts over, with these subscriptions and triggers."""
        self.cluster.createdb(self.db, self.template)
        self.sql(''.join(statements))

    def sql(self, sql):
        return self.cluster.psql(sql, self.db)

    def value(self, sql):
        return self.cluster.value(sql, self.db)

    def count(self, table):
        return int(self.value(f'SELECT count(*) FROM perennial.{table}'))

    def arguments(self, *options):
        return ('run', '--as-of', AS_OF, '--format', 'json', '--workers', 1, *options)

    def run(self, *options, config=SOON):
        return perennial(self.cluster.conninfo(self.db), *self.arguments(*options), config=config)

    def run_with(self, fault, *options, config=SOON, just_before=lambda: None):
        """A run whose first COMMIT meets a fault of the proxy's, and something else that happens just before."""
        def choose(number):
            if number == 1:
                just_before()
                return fault

        with Proxy(self.cluster.folder, choose) as proxy:
            ended = perennial(proxy.conninfo(self.db), *self.arguments(*options), config=config)
        if proxy.done[fault] != 1:
            raise RuntimeError(f'{fault} did not happen: {ended}')
        return ended

    def waits(self, what):
        """Whether a session waits for a lock of this kind."""
        return self.value('SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() '
                          f"AND wait_event_type = 'Lock' AND wait_event = '{what}')") == 't'

    @contextlib.contextmanager
    def run_that_waits(self):
        """A run that has come to test.wait(), and goes on when the function that the with block gets is called."""
        with Session(self.cluster, self.db) as other:
            other('SELECT pg_advisory_lock(1)')
            with Started(self.cluster.conninfo(self.db), *self.arguments(), config=PATIENT) as run:
                wait_until(lambda: self.waits('advisory') or not run.running(), 'the run waits')

                def go_on():
                    other('SELECT pg_advisory_unlock(1)')
                    return run.wait()
                yield go_on

    def holds(self):
        """Which subscriptions are on hold, why, and with which SQLSTATE."""
        return self.sql('SELECT s.subscription_id, s.hold_reason, e.sqlstate FROM perennial.subscription s '
                        "LEFT JOIN perennial.event e USING (bucket, subscription_id, revision) "
                        'WHERE s.hold_reason IS NOT NULL ORDER BY 1')

    def outcomes(self):
        """The subscriptions that have outcomes; twice, those that have two."""
        return [int(id) for [id] in self.sql('SELECT subscription_id FROM perennial.outcome ORDER BY 1')]

    def all_done(self, ended, code=0):
        return ended.code == code and ended.json()['left'] == 0 and self.sound()

    def sound(self):
        violations = unsound(self.cluster, self.db)
        for violation in violations:
            self.tap.note(f'unsound: {violation}')
        return not violations


# The locks of rows.

def locks(b):
    """A row that another run is at is passed over, without waiting for it."""
    b.given(FOUR, WAIT, """
        CREATE TRIGGER wait AFTER INSERT ON perennial.outcome FOR EACH STATEMENT EXECUTE FUNCTION test.wait()""")
    with b.run_that_waits() as go_on:
        for options in [], ['--subscription', 1]:
            ended = b.run(*options)
            b.ok(ended.code == 11 and ended.json()['left'] == (1 if options else 4) and ended.json()['batches'] == 0,
                 f'run {" ".join(map(str, options))} passes over the rows that another run has locked', ended)
        ended = go_on()
    b.ok(b.all_done(ended) and b.outcomes() == [1, 2, 3, 4], 'each is done once', ended)


def lock_alone(b):
    """So is one that has to be looked at alone, because not even its facts can be read."""
    b.given(add(1, 'active', '2024-02-11 00:00:07'), add(2, 'active', '2024-02-12'), """
        CREATE OR REPLACE FUNCTION perennial.boundary(anchor timestamp, time_zone text, months int) RETURNS timestamptz
        LANGUAGE plpgsql IMMUTABLE STRICT AS $$
        BEGIN
            IF extract(second FROM anchor) = 7 THEN RAISE 'no calendar'; END IF;
            RETURN (anchor + make_interval(months => months)) AT TIME ZONE time_zone;
        END $$""")
    with Session(b.cluster, b.db) as other:
        other('BEGIN; SELECT FROM perennial.subscription WHERE subscription_id = 1 FOR UPDATE')
        ended = b.run()
        b.ok(ended.code == 11 and not b.holds() and b.outcomes() == [2],
             'a row that somebody else has locked is passed over also when it cannot be read', [ended, b.holds()])
        other('ROLLBACK')
    ended = b.run()
    b.ok(ended.code == 10 and b.holds() == [['1', 'row_fault', 'P0001']], 'and is put on hold when nobody has', ended)


def lock_stays(b):
    """What a customer does to a refused row comes before the row was looked at, or after it was put on hold."""
    b.given(add(1, 'active', '2024-02-11'), refuse('outcome', 1), WAIT, """
        CREATE TRIGGER wait BEFORE UPDATE ON perennial.subscription FOR EACH STATEMENT
            WHEN (current_query() LIKE '%row_fault%') EXECUTE FUNCTION test.wait()""")
    with b.run_that_waits() as go_on:
        free = b.sql('SELECT subscription_id FROM perennial.subscription FOR UPDATE SKIP LOCKED')
        b.ok(free == [], 'a refused row stays locked until it is on hold')
        ended = go_on()
    b.ok(ended.code == 10 and b.holds() == [['1', 'row_fault', 'P0001']], 'and then is on hold', ended)


# The keys.

BACK = """
UPDATE perennial.subscription s
SET period_start = b.period_start, period_end = b.period_end, months_elapsed = b.months_elapsed
FROM test.before b WHERE s.subscription_id = b.subscription_id;
"""


def keys(b):
    """What was written once is not written again, whatever the state of the subscription says."""
    b.given(add(1, 'active', '2024-02-11'), 'CREATE TABLE test.before AS TABLE perennial.subscription')
    b.run()
    # Its job has been pruned: that has a key, too.
    b.sql(BACK + 'DELETE FROM perennial.notification_job')
    ended = b.run()
    b.ok(ended.code == 10 and b.holds() == [['1', 'row_fault', '23505']] and b.outcomes() == [1],
         'a subscription that was moved back behind its outcome goes on hold, and has no second one',
         [ended, b.holds()])


def job_key(b):
    b.given(add(1, 'active', '2024-02-11'), 'CREATE TABLE test.before AS TABLE perennial.subscription')
    b.run()
    b.sql(BACK + 'DELETE FROM perennial.outcome')
    ended = b.run()
    b.ok(ended.code == 10 and b.holds() == [['1', 'row_fault', '23505']] and b.count('notification_job') == 1,
         'a subscription whose customer was told already goes on hold, and the customer is not told again',
         [ended, b.holds()])


def event_key(b):
    b.given(add(1, 'active', '2023-10-11'), """
        INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, to_status)
        SELECT bucket, subscription_id, account_id, revision + 1, 'released', now(), 'somebody', status
        FROM perennial.subscription""")
    ended = b.run()
    b.ok(ended.code == 10 and ended.json()['failed'] == 1 and not b.holds() and b.count('event') == 1,
         'no event is written with a revision that is taken', [ended, b.holds()])


# COMMIT.

def aborted_commit(b):
    b.given(FOUR)
    ended = b.run_with('abort_commit')
    b.ok(b.all_done(ended) and b.outcomes() == [1, 2, 3, 4],
         'rows whose COMMIT was answered with ROLLBACK are claimed again', ended)
    b.given(FOUR)
    ended = b.run_with('abort_commit', '--limit', 2, '--batch-size', 2)
    b.ok(ended.code == 11 and b.outcomes() == [1, 2] and b.sound(), 'and do not count for --limit',
         [ended, b.outcomes()])
    b.given(add(1, 'active', '2023-10-11'))
    ended = b.run_with('abort_commit', config=ONE_HELD)
    b.ok(ended.code == 10 and len(b.holds()) == 1, 'nor for limits.max_held', ended)


def lost_commit(b):
    b.given(FOUR)
    ended = b.run_with('before_commit')
    b.ok(b.all_done(ended) and b.outcomes() == [1, 2, 3, 4],
         'rows whose COMMIT never arrived are claimed again, on another connection', ended)
    b.given(FOUR)
    ended = b.run_with('before_commit', '--limit', 100)
    b.ok(b.all_done(ended) and b.outcomes() == [1, 2, 3, 4], 'and --limit has room for more than was claimed', ended)


def changed_meanwhile(b):
    """The customer's session waits for the row when the run loses it, and has it next."""
    cancel = threading.Thread(target=b.sql, args=["UPDATE perennial.subscription SET status = 'pending_cancellation', "
                                                  'cancel_requested_at = period_start'])

    def customer_comes():
        cancel.start()
        wait_until(lambda: b.waits('transactionid'), 'the customer waits')

    b.given(add(1, 'active', '2024-02-11'))
    ended = b.run_with('before_commit', just_before=customer_comes)
    cancel.join()
    # The row is locked while the run looks for it, or it is cancelled.
    kinds = b.sql('SELECT kind FROM perennial.outcome')
    b.ok(ended.code in (0, 11) and kinds in ([], [['expired']]) and b.sound(),
         'what was decided before a connection was lost is not written after it', [ended, kinds])


def lost_answer(b):
    b.given(FOUR)
    ended = b.run_with('after_commit', '--batch-size', 2)
    b.ok(b.all_done(ended) and b.outcomes() == [1, 2, 3, 4],
         'rows that were committed without an answer are not done again', ended)
    b.given(FOUR)
    ended = b.run_with('after_commit', '--limit', 2, '--batch-size', 2)
    b.ok(ended.code == 11 and b.outcomes() == [1, 2] and b.sound(), 'and count for --limit', [ended, b.outcomes()])
    b.given(add(1, 'active', '2023-10-11'), add(2, 'active', '2023-10-12'))
    ended = b.run_with('after_commit', '--batch-size', 1, config=ONE_HELD)
    b.ok(ended.code == 12 and len(b.holds()) == 1, 'and for limits.max_held', [ended, b.holds()])


def lost_hold(b):
    """The same for a row that is put on hold because the server refused it."""
    b.given(add(1, 'active', '2024-02-11'), refuse('outcome', 1), add(2, 'active', '2024-02-12'), refuse('outcome', 2))
    ended = b.run_with('after_commit', config=ONE_HELD)
    b.ok(ended.code == 12 and len(b.holds()) == 1,
         'a hold that was committed without an answer counts for limits.max_held',
         [ended, b.holds()])
    b.given(add(1, 'active', '2024-02-11'), refuse('outcome', 1))
    ended = b.run_with('abort_commit', config=ONE_HELD)
    b.ok(ended.code == 10 and len(b.holds()) == 1, 'a hold whose COMMIT was answered with ROLLBACK does not', ended)


def refused_hold(b):
    b.given(add(1, 'active', '2023-10-11'), """
        CREATE TRIGGER refuse BEFORE INSERT ON perennial.event FOR EACH ROW WHEN (NEW.reason = 'catch_up_limit')
            EXECUTE FUNCTION test.refuse()""")
    ended = b.run(config=ONE_HELD)
    b.ok(ended.code == 10 and b.holds() == [['1', 'row_fault', 'P0001']],
         'a row whose hold by a rule is refused counts for limits.max_held once', [ended, b.holds()])


# Counts.

def counts(b):
    """What does not arrive in a table is missed, and nothing of its batch stays."""
    b.given(add(1, 'active', '2024-02-11'), add(2, 'active', '2023-10-12'))
    for what, table, when in (('rows', 'subscription', 'UPDATE'), ('outcomes', 'outcome', 'INSERT'),
                              ('outcomes', 'notification_job', 'INSERT'), ('holds', 'event', 'INSERT'),
                              ('totals', 'batch_total', 'INSERT')):
        b.sql(f'CREATE TRIGGER lost BEFORE {when} ON perennial.{table} FOR EACH ROW EXECUTE FUNCTION test.drop_row()')
        ended = b.run()
        b.ok(ended.code == 70 and what in ended.err and 'were decided' in ended.err
             and not any(b.count(t) for t in ('outcome', 'event', 'notification_job', 'batch')) and not b.holds(),
             f'a row that is lost on its way into {table} ends the run with 70, and nothing is written', ended)
        b.sql(f'DROP TRIGGER lost ON perennial.{table}')


def counted_hold(b):
    b.given(add(1, 'active', '2024-02-11'), refuse('outcome', 1),
            'CREATE TRIGGER lost BEFORE INSERT ON perennial.event FOR EACH ROW EXECUTE FUNCTION test.drop_row()')
    ended = b.run()
    b.ok(ended.code == 70 and not b.holds() and b.count('batch') == 0,
         'a refused row whose event is lost ends the run with 70, and is not put on hold', ended)
    b.given(add(1, 'active', '2024-02-11'), refuse('outcome', 1),
            'CREATE TRIGGER lost BEFORE INSERT ON perennial.batch FOR EACH ROW EXECUTE FUNCTION test.drop_row()')
    ended = b.run()
    b.ok(ended.code == 70 and not b.holds(),
         'so does one whose row of batch is lost, though there are no totals that would miss it', ended)


# Passes, and the way through a bucket.

def passes(b):
    b.given(add(1, 'active', '2020-10-10', catch_up=True), add(2, 'active', '2024-02-11'))
    ended = b.run()
    b.ok(b.all_done(ended) and len(b.outcomes()) == 42,
         'what is still due behind what was claimed with it is done by the same run', ended)
    b.given(FOUR, """
        CREATE FUNCTION test.let_go() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name = 'locker';
            RETURN NULL;
        END $$;
        CREATE TRIGGER let_go AFTER INSERT ON perennial.outcome FOR EACH STATEMENT EXECUTE FUNCTION test.let_go()""")
    with Session(b.cluster, b.db) as other:
        other("SET application_name = 'locker'; BEGIN; "
              'SELECT FROM perennial.subscription WHERE subscription_id = 1 FOR UPDATE')
        ended = b.run()
    b.ok(b.all_done(ended) and b.outcomes() == [1, 2, 3, 4], 'so is what was locked, and no longer is', ended)


def failing(b):
    """A row that can neither be done nor be put on hold stops no other, and counts once however often it is tried."""
    b.given(add(1, 'active', '2024-02-11'), refuse('outcome', 1), refuse('event', 1), add(2, 'active', '2024-02-12'))
    ended = b.run(config=ONE_HELD)
    b.ok(ended.code == 10 and ended.json()['failed'] == 1 and b.outcomes() == [2] and not b.holds() and b.sound(),
         'a row whose hold is refused too is passed over, and fails once', ended)


def late(b):
    b.given(FOUR, refuse('outcome', 2, late=True))
    ended = b.run()
    b.ok(b.all_done(ended, 10) and b.holds() == [['2', 'row_fault', 'P0001']] and b.outcomes() == [1, 3, 4],
         'a row that is refused as late as at the commit is put on hold', [ended, b.holds()])


def limit(b):
    b.given(add(11, 'active', '2024-02-11', account=1), add(12, 'active', '2024-02-12', account=1),
            add(21, 'active', '2024-02-11', account=2), add(22, 'active', '2024-02-12', account=2))
    ended = b.run('--limit', 4, '--batch-size', 3)
    b.ok(b.all_done(ended) and b.outcomes() == [11, 12, 21, 22],
         'what one batch leaves of --limit is for the next', ended)


def transient(b):
    """A fault that is no row's is tried again, and puts none on hold."""
    for sqlstate in '40001', '40P01', '55P03', '57014', '53100', '57P05':
        b.given(add(1, 'active', '2024-02-11'), f"""
            CREATE SEQUENCE test.times;
            CREATE FUNCTION test.fail() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF nextval('test.times') < 4 THEN RAISE 'not yet' USING ERRCODE = '{sqlstate}'; END IF;
                RETURN NULL;
            END $$;
            CREATE TRIGGER fail AFTER INSERT ON perennial.outcome FOR EACH STATEMENT EXECUTE FUNCTION test.fail()""")
        ended = b.run(config='run: { retry_for = "60s"; };')
        b.ok(b.all_done(ended) and b.outcomes() == [1], f'{sqlstate} puts no row on hold', [ended, b.holds()])


def silence(b):
    """Whoever asks to stop at once need not wait for a network that is silent, and hears no request to cancel."""
    silent = threading.Event()

    def fall_silent(_):
        silent.set()
        return 'blackhole_before'

    b.given(FOUR)
    with Proxy(b.cluster.folder, fall_silent,
               choose_exchange=lambda _: 'blackhole_before' if silent.is_set() else None) as proxy, \
         Started(proxy.conninfo(b.db), *b.arguments(),
                 config='run: { statement_timeout = "1s"; retry_for = "3s"; };') as run:
        wait_until(silent.is_set, 'the network is silent')
        for _ in range(2):
            run.send(signal.SIGTERM)
            wait_until(lambda: not pending(run), 'the signal is taken')
        ended = run.wait(40)
    b.ok(ended.code == 75, 'a second signal ends a run though the network is silent', ended)


def pending(run):
    """Whether a signal was sent to the program that it has not yet taken."""
    [signals] = [line.split()[1] for line in pathlib.Path(f'/proc/{run.process.pid}/status').read_text().splitlines()
                 if line.startswith('ShdPnd:')]
    return int(signals, 16) != 0


GUARDS = (locks, lock_alone, lock_stays, keys, job_key, event_key, aborted_commit, lost_commit, changed_meanwhile,
          lost_answer, lost_hold, refused_hold, counts, counted_hold, passes, failing, late, limit, transient,
          silence)


def main():
    tap = Tap()
    named = {guard.__name__: guard for guard in GUARDS}
    folder = os.environ.get('PERENNIAL_SERVER_FOLDER')
    with Running(folder) if folder else Cluster() as cluster:
        db = f'guards_{os.getpid()}'
        template = small(cluster, f'{db}_template')
        for name in sys.argv[1:] or named:
            named[name](Bench(tap, cluster, template, db))
        cluster.psql(f'DROP DATABASE IF EXISTS {db} WITH (FORCE);\nDROP DATABASE {template}')
    tap.done()


main()
