#!/usr/bin/python3
"""storm_test: every fault at once, while customers, consumers and operators act, and then a count of what came of it.

SEED repeats the chances of a storm, though not their order in time; STORM_SECONDS is how long the first one lasts at
least.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import datetime, timedelta

sys.dont_write_bytecode = True  # the checkout stays clean

from harness import (ENVIRONMENT, Cluster, Started, Tap, binary, differences, final_state, perennial,  # noqa: E402
                     seed, slow_down, unsound, wait_until)
from proxy import FAULTS, Proxy  # noqa: E402
from recount import Recount, rows_of  # noqa: E402

SEED = seed(random.randrange(10 ** 6))
SECONDS = float(os.environ.get('STORM_SECONDS', 10))

# Everything that a proxy does to a connection.
CUTS = ('cuts', *FAULTS)

# As long as nothing may take once all is healed.
PATIENCE = 90

DOCUMENTED = {0, 10, 11, 12, 69, 75}

# What a customer may be answered: not found, wrong state, bad argument; and what a server under way to its end says.
REFUSALS = {'PR001', 'PR002', 'PR003', '22023'}
INTERRUPTIONS = {'57014', '55P03', '40P01', '40001', '57P01', '57P02', '57P03', '25P02', '25P03'}

# Rows that the server refuses, in several ways, while a row in storm.poison says so.
POISON = """
CREATE SCHEMA storm;
CREATE TABLE storm.poison (subscription_id bigint PRIMARY KEY, kind text NOT NULL);
CREATE TABLE storm.poisoned (subscription_id bigint, kind text);

CREATE FUNCTION storm.refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    found text := (SELECT kind FROM storm.poison p WHERE p.subscription_id = NEW.subscription_id);
BEGIN
    CASE
    WHEN found = 'late' AND TG_NAME = 'refuse_late' THEN RAISE 'refused late';
    WHEN TG_NAME = 'refuse_late' OR found = 'late' THEN NULL;
    WHEN found = 'swallow' AND TG_TABLE_NAME = 'outcome' THEN RETURN NULL;
    WHEN found = 'hold' OR found = 'outcome' AND TG_TABLE_NAME = 'outcome' THEN RAISE 'refused' USING ERRCODE = '23514';
    WHEN found = 'conflict' AND TG_TABLE_NAME = 'outcome' THEN RAISE 'refused for now' USING ERRCODE = '40001';
    WHEN found = 'slow' AND TG_TABLE_NAME = 'outcome' THEN PERFORM pg_sleep(0.4);
    ELSE NULL;
    END CASE;
    RETURN NEW;
END $$;

CREATE TRIGGER refuse BEFORE INSERT ON perennial.outcome FOR EACH ROW EXECUTE FUNCTION storm.refuse();
CREATE TRIGGER refuse BEFORE INSERT ON perennial.event FOR EACH ROW
    WHEN (NEW.kind = 'held' AND NEW.run_id IS NOT NULL) EXECUTE FUNCTION storm.refuse();
CREATE CONSTRAINT TRIGGER refuse_late AFTER INSERT ON perennial.outcome DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION storm.refuse();
"""
# What swallow meets is a fault of the schema, and the run ends.
POISONS = ['outcome', 'hold', 'late', 'conflict'] * 2 + ['slow', 'swallow']

# What operators do: a hold of their own, and its release as README has it, in the storm's own time.
HOLD = """WITH s AS (
    UPDATE perennial.subscription
    SET hold_reason = 'payment_dispute', held_at = {at}, revision = revision + 1
    WHERE {which} AND hold_reason IS NULL AND status <> 'expired' RETURNING *)
INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, from_status, to_status,
    period_start, period_end, price_id, next_price_id, quantity, next_quantity, reason)
SELECT bucket, subscription_id, account_id, revision, 'held', {at}, current_user, status, status,
    period_start, period_end, price_id, next_price_id, quantity, next_quantity, hold_reason FROM s"""
RELEASE = """WITH s AS (
    UPDATE perennial.subscription
    SET hold_reason = NULL, held_at = NULL, catch_up_allowed = true, revision = revision + 1
    WHERE {which} AND hold_reason IS NOT NULL RETURNING *)
INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, from_status, to_status,
    period_start, period_end, price_id, next_price_id, quantity, next_quantity)
SELECT bucket, subscription_id, account_id, revision, 'released', {at}, current_user, status, status,
    period_start, period_end, price_id, next_price_id, quantity, next_quantity FROM s"""


class Session:
    """A session of somebody's that connects anew whenever it was lost; for a with block."""

    def __init__(self, cluster, db, role='postgres'):
        self.command = [binary('psql'), '-XqAt', '-F', '|', '-h', cluster.folder, '-U', role, '-d', db, '-f', '-']
        self.psql = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.psql:
            self.psql.kill()
            self.psql.communicate()
            self.psql = None

    def __call__(self, sql):
        """Runs one statement: its SQLSTATE and its rows, or instead of them the message of an error.

        The SQLSTATE is None when the session was lost before an answer: the statement may have been done or not.
        """
        if not self.psql:
            self.psql = subprocess.Popen(self.command, env=ENVIRONMENT, text=True, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            self.psql.stdin.write(f'{sql};\n\\echo state :SQLSTATE :LAST_ERROR_MESSAGE\n')
            self.psql.stdin.flush()
        except BrokenPipeError:
            pass
        rows = []
        for line in self.psql.stdout:
            if line.startswith('state '):
                break
            rows.append(line.rstrip('\n'))
        else:
            line = 'state  '
        state, message = line.removeprefix('state ').rstrip('\n').split(' ', 1)
        if not state:
            self.__exit__()
        return (state, rows) if state == '00000' else (state or None, [message])


class Storm:
    """What all who take part share."""

    def __init__(self, cluster, db, number):
        self.cluster, self.db, self.number = cluster, db, number
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.count = Counter()
        self.wrong = []                       # what nobody should have seen
        self.running = {}                     # the programs under way: name to Started
        self.signalled = set()                # those that were sent SIGTERM or SIGKILL
        self.said = {}                        # run_id: outcomes, as the program told
        self.codes = Counter()
        self.sold, self.completed = [], []    # what customers and consumers were answered
        self.threads = []

    def chance(self, name):
        return random.Random(f'{self.number}/{name}')

    def counts(self, name, number=1):
        with self.lock:
            self.count[name] += number

    def enters(self, name, actor, *arguments):
        """Lets somebody act until the storm is over: actor(storm, chance, …)."""
        def act():
            try:
                actor(self, self.chance(name), *arguments)
            except Exception as fault:  # in a thread it would be lost
                self.wrong.append(f'{name}: {type(fault).__name__}: {fault}')
                self.over.set()

        thread = threading.Thread(target=act, name=name, daemon=True)
        self.threads.append(thread)
        thread.start()

    def goes_on(self, chance, least, most):
        """Waits a little; false when the storm is over."""
        return not self.over.wait(chance.uniform(least, most))

    def ends(self):
        """Calms everything.  Programs may take their time, up to a limit."""
        self.over.set()
        end = time.monotonic() + PATIENCE
        for thread in self.threads:
            thread.join(max(0, end - time.monotonic()))
        for program in list(self.running.values()):
            program.send(signal.SIGKILL)
        self.wrong += [f'{thread.name} is still there {PATIENCE} s after the storm' for thread in self.threads
                       if thread.is_alive()]

    def ask(self, sql):
        """The rows of a query, as soon as there is a server that answers it."""
        for _ in range(100):
            with contextlib.suppress(RuntimeError):
                return self.cluster.psql(sql, self.db)
            time.sleep(0.2)
        return self.cluster.psql(sql, self.db)


def deck(chance, cards):
    """Draws cards without end, and each of them before one comes again."""
    while True:
        yield from chance.sample(cards, len(cards))


# Who takes part.

def programs(storm, chance, name, conninfo, next_as_of, **limits):
    """Runs the program again and again."""
    while as_of := next_as_of(chance):
        config = (f'run: {{ retry_for = "{chance.randrange(2, 9)}s"; statement_timeout = "1s"; '
                  f'lock_timeout = "300ms"; }}; limits: {{ max_held = {limits.get("max_held", 0)}; '
                  f'max_expired = {chance.choice([0, 0, 1000000])}; }};')
        with Started(conninfo, 'run', '--as-of', as_of, '--allow-future', '--workers', limits.get('workers', 3),
                     '--batch-size', chance.choice([1, 4, 7, 20, 50]), '--format', 'json', config=config) as program:
            storm.counts('runs')
            storm.running[name] = program
            check_end(storm, program, program.wait(PATIENCE + 1000))
            del storm.running[name]


def check_end(storm, program, ended):
    storm.codes[ended.code] += 1
    if ended.code in (0, 10, 11):
        told = ended.json()
        storm.said[told['run_id']] = told['outcomes']
    swallowed = ended.code == 70 and 'were decided' in ended.err and storm.count['swallow']
    killed = ended.code in (-signal.SIGKILL, -signal.SIGTERM) and program in storm.signalled
    if ended.code not in DOCUMENTED and not swallowed and not killed:
        storm.wrong.append(f'a run ends with {ended}')


def signals(storm, chance):
    """Kills, ends, and stops programs."""
    kinds = deck(chance, ['kill', 'kill', 'kill', 'stop', 'stop', 'term', 'term twice', 'term thrice'])
    while storm.goes_on(chance, 0.05, 0.4):
        programs = list(storm.running.values())
        if not programs:
            continue
        program, kind = chance.choice(programs), next(kinds)
        if kind == 'kill':
            storm.signalled.add(program)
            program.send(signal.SIGKILL)
        elif kind == 'stop':
            program.send(signal.SIGSTOP)
            storm.goes_on(chance, 0.01, chance.choice([0.2, 0.5, 3]))
            program.send(signal.SIGCONT)
        else:
            storm.signalled.add(program)
            for _ in range({'term': 1, 'term twice': 2, 'term thrice': 3}[kind]):
                program.send(signal.SIGTERM)
                storm.goes_on(chance, 0, 0.05)
        storm.counts('kills' if kind == 'kill' else 'stops' if kind == 'stop' else 'terms')


def terminations(storm, chance):
    """Ends somebody's session, or cancels what it does."""
    with Session(storm.cluster, 'postgres') as session:
        while storm.goes_on(chance, 0.1, 0.5):
            function = chance.choice(['pg_terminate_backend', 'pg_terminate_backend', 'pg_cancel_backend'])
            who = chance.choice(["application_name LIKE 'perennial run=%'", 'true'])
            _, rows = session(f"SELECT {function}(pid) FROM (SELECT pid FROM pg_stat_activity "
                              f"WHERE datname = '{storm.db}' AND {who} ORDER BY random() LIMIT 1) AS victim")
            storm.counts('terminated' if function == 'pg_terminate_backend' else 'cancelled', rows.count('t'))


def restarts(storm, chance):
    modes = deck(chance, ['immediate', 'fast'])
    while storm.goes_on(chance, 1.5, 4):
        mode = next(modes)
        storm.cluster.restart(mode)
        storm.counts(mode)


def locks(storm, chance):
    """Holds row locks for a while."""
    with Session(storm.cluster, storm.db) as session:
        while storm.goes_on(chance, 0, 0.3):
            strength = chance.choice(['UPDATE', 'NO KEY UPDATE', 'SHARE', 'KEY SHARE'])
            session('BEGIN')
            session('SELECT FROM perennial.subscription '
                    f'WHERE subscription_id % 50 = {chance.randrange(50)} FOR {strength}')
            storm.goes_on(chance, 0, 1.5)
            session('ROLLBACK')


def snapshots(storm, chance):
    """Keeps a snapshot for long, and looks at the proof in it: what it sees is always sound."""
    # A row of due-left may be what somebody committed late, who began before the run that left nothing.
    proof = "SELECT to_jsonb(u) FROM perennial.unsound u WHERE invariant <> 'due-left'"
    with Session(storm.cluster, storm.db) as session:
        while storm.goes_on(chance, 0, 0.5):
            session('BEGIN ISOLATION LEVEL REPEATABLE READ')
            state, rows = session(proof)
            storm.goes_on(chance, 0.5, 3)
            session('ROLLBACK')
            if state == '00000':
                storm.counts('proofs')
                storm.wrong += [f'unsound in the middle of it: {row}' for row in rows[:3]]


def customer(storm, chance, clock):
    with Session(storm.cluster, storm.db, 'storm_shop') as session:
        while storm.goes_on(chance, 0, 0.02):
            call, is_sale = draw_call(storm, chance, clock)
            state, rows = session(f'SELECT {call}')
            # A call whose answer was lost may have been done: whoever makes it again is refused, or sold another.
            while (state is None or state in INTERRUPTIONS) and storm.goes_on(chance, 0, 0.2):
                storm.counts('retried')
                state, rows = session(f'SELECT {call}')
            if state in REFUSALS:
                storm.counts('refused')
            elif state == '00000':
                storm.counts('ok')
                if is_sale:
                    storm.sold.append((int(call.split('(')[1].split(',')[0]), int(rows[0])))
            elif state is not None and state not in INTERRUPTIONS:
                storm.wrong.append(f'a customer is answered {state} to {call}: {rows}')


def draw_call(storm, chance, clock):
    """A call of a customer's, and whether it is answered with a new subscription."""
    account, subscription = chance.choice(storm.sold)
    at = clock.around(chance)
    price, quantity = chance.choice([1, 2, 3, 4, 5, 6, 7, 'NULL']), chance.choice([1, 2, 3, 'NULL'])
    zone = f"'{chance.choice(['UTC', 'Europe/Paris', 'America/New_York', 'Australia/Lord_Howe'])}'"
    billing_info, mine = chance.choice(['true', 'false']), f'{account}, {subscription}'
    name, arguments = chance.choice([
        ('subscribe', f'{account}, {price}, {quantity}, {zone}, {at}'),
        ('start_trial', f'{account}, {price}, {quantity}, {chance.randrange(1, 40)}, {zone}, {billing_info}, {at}'),
        *[('cancel', f'{mine}, {at}'), ('withdraw_cancellation', f'{mine}, {at}'),
          ('reactivate', f'{mine}, {price}, {at}'), ('set_billing_info', f'{mine}, {at}'),
          ('clear_billing_info', f'{mine}, {at}'), ('schedule_change', f'{mine}, {price}, {quantity}, {at}')] * 3])
    return f'perennial.{name}({arguments})', name in ('subscribe', 'start_trial')


def consumer(storm, chance):
    """Takes jobs, and completes most of them."""
    with Session(storm.cluster, storm.db, 'storm_shop') as session:
        while storm.goes_on(chance, 0, 0.1):
            state, rows = session("SELECT bucket, job_id, token FROM perennial.take_jobs(20, '2 s')")
            for bucket, job_id, token in (row.split('|') for row in (rows if state == '00000' else [])):
                job = f"{bucket}, {job_id}, '{token}'"
                if chance.random() < 0.1:
                    session(f"SELECT perennial.fail_job({job}, 'no answer')")
                elif session(f'SELECT perennial.complete_job({job})')[0] == '00000':
                    storm.completed.append((bucket, job_id))


def operator(storm, chance, clock):
    """Releases holds, and puts some on hold."""
    with Session(storm.cluster, storm.db) as session:
        while storm.goes_on(chance, 0.05, 0.3):
            state, held = session('SELECT subscription_id FROM perennial.subscription WHERE hold_reason IS NOT NULL')
            if chance.random() < 0.2:
                session(HOLD.format(which=f'subscription_id = {chance.choice(storm.sold)[1]}', at=clock.around(chance)))
            elif state == '00000' and held:
                session(RELEASE.format(which=f'subscription_id = {chance.choice(held)}', at=clock.around(chance)))


def poisoner(storm, chance):
    with Session(storm.cluster, storm.db) as session:
        while storm.goes_on(chance, 0.3, 1.5):
            state, soon = session("SELECT subscription_id FROM perennial.subscription WHERE status <> 'expired' "
                                  "AND hold_reason IS NULL ORDER BY period_end LIMIT 20")
            rows = {chance.choice(soon): chance.choice(POISONS) for _ in range(chance.randrange(5)) if state == '00000'}
            values = ', '.join(f"({number}, '{kind}')" for number, kind in rows.items()) or "(0, 'none')"
            storm.counts('swallow', list(rows.values()).count('swallow'))
            state, _ = session('WITH gone AS (DELETE FROM storm.poison), '
                               f'here AS (INSERT INTO storm.poisoned VALUES {values}) '
                               f'INSERT INTO storm.poison VALUES {values} ON CONFLICT (subscription_id) DO NOTHING')
            storm.counts('poison', len(rows) if state == '00000' else 0)


class Clock:
    """The instant that runs are started as of: it moves on with each, so that there is always something due."""

    def __init__(self, storm, start):
        self.storm, self.now = storm, start

    def next(self, chance):
        with self.storm.lock:
            self.now += timedelta(hours=chance.choice([0, 0, 1, 30, 30, 100, 300]))
        return None if self.storm.over.is_set() else f'{self.now.isoformat()}Z'

    def around(self, chance):
        """When a customer acts: about now, sometimes late."""
        return f"'{(self.now + timedelta(hours=chance.randrange(-100, 20))).isoformat()}Z'"


class Weather:
    """The proxy of a storm: what happens to COMMITs and bytes while it lasts."""

    def __init__(self, storm, blackholes):
        self.storm, self.chance, self.cuts = storm, storm.chance('commits'), storm.chance('cuts')
        self.faults = ['before_commit', 'after_commit', 'abort_commit'] * 4
        self.faults += ['blackhole_before', 'blackhole_after'] * blackholes

    def fault(self, _):
        return None if self.storm.over.is_set() or self.chance.random() > 0.05 else self.chance.choice(self.faults)

    def distances(self):
        while not self.storm.over.is_set():
            yield self.cuts.randrange(1, 300_000)


# The storm.

def prepare(cluster):
    cluster.loaded('loaded', number=SEED)
    slow_down(cluster, 'loaded', 0.005)
    cluster.psql("""
        SELECT setval(pg_get_serial_sequence('perennial.subscription', 'subscription_id'), 1000000);
        CREATE ROLE storm_batch LOGIN IN ROLE perennial_batch;
        CREATE ROLE storm_shop LOGIN IN ROLE perennial_app;
        """, 'loaded')


def check_storm(tap, cluster):
    db = cluster.createdb('storm', 'loaded')
    cluster.psql(POISON, db)
    opening = rows_of(cluster, db, 'subscription')
    storm = Storm(cluster, db, SEED)
    storm.sold = [(row['account_id'], row['subscription_id']) for row in opening]
    clock = Clock(storm, datetime(2024, 3, 31, 2))
    weather = Weather(storm, blackholes=1)
    with Proxy(cluster.folder, weather.fault, weather.distances()) as proxy:
        direct, cut = cluster.conninfo(db, 'storm_batch'), proxy.conninfo(db, 'storm_batch')
        storm.enters('direct', programs, 'direct', direct, clock.next)
        storm.enters('cut', programs, 'cut', cut, clock.next)
        storm.enters('limited', lambda *a: programs(*a, max_held=3), 'limited', direct, clock.next)
        for actor in signals, terminations, restarts, locks, snapshots, consumer, poisoner:
            storm.enters(actor.__name__, actor)
        storm.enters('operator', operator, clock)
        for number in 1, 2:
            storm.enters(f'customer {number}', customer, clock)
        storm.over.wait(SECONDS)
        # Where the machine is busy, some of it takes longer.
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: storm.over.is_set() or all(happened(storm, proxy.done).values()), 'all happened', PATIENCE)
        storm.ends()
    check_damage(tap, storm, happened(storm, proxy.done), opening, heal(tap, storm, clock))


def happened(storm, cuts):
    """How often what a storm is made of has happened."""
    count = storm.count
    return {'runs': count['runs'], 'kills': count['kills'], 'SIGSTOPs': count['stops'], 'SIGTERMs': count['terms'],
            'backends terminated': count['terminated'], 'statements cancelled': count['cancelled'],
            'fast restarts': count['fast'], 'immediate restarts': count['immediate'],
            'cuts': sum(cuts[name] for name in CUTS),
            'calls ok': count['ok'], 'refused': count['refused'], 'retried': count['retried'],
            'jobs completed': len(storm.completed), 'poison rows': count['poison']}


def heal(tap, storm, clock):
    """Removes what is left of the storm, and lets the program do what is left to do; as of when."""
    as_of = clock.now + timedelta(days=70)
    storm.ask('TRUNCATE storm.poison')
    # More than an amount may be: the cause of those holds.
    storm.ask(f"SELECT perennial.schedule_change(account_id, subscription_id, 1, 1, '{as_of}Z') "
              "FROM perennial.subscription WHERE price_id = 8 AND status <> 'expired'")
    codes = []
    while codes[-1:] != [0] and len(codes) < 5:
        storm.ask(RELEASE.format(which='true', at=f"'{as_of}Z'"))
        ended = perennial(storm.cluster.conninfo(storm.db, 'storm_batch'), 'run', '--as-of', f'{as_of.isoformat()}Z',
                          '--allow-future', '--workers', 3, '--format', 'json', config='limits: { max_held = 0; };',
                          timeout=PATIENCE)
        check_end(storm, None, ended)
        codes.append(ended.code)
    tap.ok(codes[-1] == 0, 'what was left is done once all is healed', ended)
    return as_of


def check_damage(tap, storm, everything, opening, as_of):
    cluster, db, count = storm.cluster, storm.db, storm.count
    tap.ok(not storm.wrong, f'{count["runs"]} runs end with documented codes, nobody hangs or meets what is not to be, '
           f'and {count["proofs"]} proofs in the middle are sound', storm.wrong[:10])
    tap.note(f'exit codes: {dict(sorted(storm.codes.items()))}')
    violations = unsound(cluster, db)
    tap.ok(not violations, 'all is sound', violations[:10])
    due = cluster.value('SELECT count(*) FROM perennial.subscription '
                        f"WHERE status <> 'expired' AND period_end <= '{as_of}Z'", db)
    tap.ok(due == '0', 'nothing is due', due)
    # By the function: the program refuses periods that lie in the future, where the storm's clock may be.
    for days in 20, 100, 500, 4000:
        begin = as_of - timedelta(days=days)
        books = cluster.psql("SELECT result, to_jsonb(t) FROM perennial.report_tieout("
                             f"'{begin:%Y-%m-%d}', '{as_of:%Y-%m-%d}') AS t", db)
        tap.ok(len(books) > 30 and {row[0] for row in books} == {'PASS'}, f'the books of the last {days} days tie out',
               [row for row in books if row[0] != 'PASS'][:10])
    recount = Recount(cluster, db, opening, as_of)
    for name, found in [('no period is lost', recount.lost), ('no period is closed twice', recount.doubled),
                        ('each history tells how its subscription came to be what it is', recount.faults),
                        ('each outcome and each event that customers hear of has one job', recount.jobs),
                        ("the batches of each run count what it did", recount.runs),
                        ('each run did what it told', untold(storm, recount)),
                        ('what was sold is there, and what consumers completed is done once', broken_word(storm)),
                        ('nothing is on hold without a reason', unexplained(storm, recount))]:
        tap.ok(not found, f'{name} ({len(recount.outcomes)} outcomes, {len(recount.events)} events)', found[:10])
    everything |= {'holds': kinds(recount, 'held'), 'releases': kinds(recount, 'released')}
    tap.ok(all(everything.values()), 'everything happened', everything)
    tap.note(f'storm: SEED={SEED}, {SECONDS:g} s, ' + ', '.join(f'{n} {name}' for name, n in everything.items())
             + f', {len(recount.outcomes)} outcomes, {len(recount.lost)} lost, {len(recount.doubled)} doubled')


def kinds(recount, kind):
    return sum(event['kind'] == kind for event in recount.events)


def untold(storm, recount):
    """Runs that told of more than they did.  One may tell of less: a COMMIT may arrive after its connection broke."""
    did = Counter(outcome['run_id'] for outcome in recount.outcomes)
    return [f'run {run} told of {said} outcomes, there are {did[run]}' for run, said in storm.said.items()
            if said > did[run]]


def broken_word(storm):
    """What was answered to customers and consumers, and is not so."""
    there = {row[0] for row in storm.cluster.psql('SELECT subscription_id FROM perennial.subscription', storm.db)}
    done = {tuple(row) for row in storm.cluster.psql(
        "SELECT bucket, job_id FROM perennial.notification_job WHERE state = 'done'", storm.db)}
    return ([f'subscription {number} is gone' for _, number in storm.sold if str(number) not in there]
            + [f'job {job} was completed, and is not done' for job in storm.completed if job not in done]
            + [f'job {job} was completed {n} times' for job, n in Counter(storm.completed).items() if n > 1])


def unexplained(storm, recount):
    """Holds that neither the poison, nor a rule, nor an operator explains."""
    poisoned = {int(row[0]) for row in storm.cluster.psql('SELECT subscription_id FROM storm.poisoned', storm.db)}
    return [f'{event}' for event in recount.events if event['kind'] == 'held'
            and event['reason'] not in ('payment_dispute', 'catch_up_limit', 'amount_overflow')
            and not (event['reason'] == 'row_fault' and event['subscription_id'] in poisoned
                     and 'storm.refuse()' in (event['detail'] or '') and event['sqlstate'] in ('P0001', '23514'))]


# What faults and their times, workers and batches have no influence on.

STAGES = [f'2024-{month:02}-{day:02}T02:00:00Z' for month, day in [(3, 31), (4, 15), (4, 30), (6, 1), (7, 31), (11, 1)]]


class Stages:
    """One instant after the other, each as soon as nothing is due any more as of the one before."""

    def __init__(self, storm):
        self.storm, self.left = storm, list(STAGES)

    def next(self, _):
        with self.storm.lock:
            while self.left and self._is_done(self.left[0]):
                self.left.pop(0)
            if not self.left:
                self.storm.over.set()
            return self.left[0] if self.left else None

    def _is_done(self, as_of):
        return self.storm.ask("SELECT count(*) FROM perennial.subscription WHERE status <> 'expired' "
                              f"AND hold_reason IS NULL AND period_end <= '{as_of}'") == [['0']]


def calm_state(cluster):
    """What one worker makes of it without faults."""
    db = cluster.createdb('calm', 'loaded')
    for as_of in STAGES:
        ended = perennial(cluster.conninfo(db, 'storm_batch'), 'run', '--as-of', as_of, '--workers', 1)
        if ended.code not in (0, 10):
            raise RuntimeError(f'without faults: {ended}')
    return final_state(cluster, db)


def check_same_end(tap, cluster, wanted, number, workers):
    db = cluster.createdb('same', 'loaded')
    storm = Storm(cluster, db, number)
    stages, weather = Stages(storm), Weather(storm, blackholes=0)
    with Proxy(cluster.folder, weather.fault, weather.distances()) as proxy:
        for name, server in ('direct', cluster), ('cut', proxy):
            storm.enters(name, lambda *a: programs(*a, workers=workers), name, server.conninfo(db, 'storm_batch'),
                         stages.next)
        for actor in signals, terminations, restarts, locks:
            storm.enters(actor.__name__, actor)
        storm.over.wait(max(SECONDS, 20))
        storm.ends()
    found, violations = final_state(cluster, db), unsound(cluster, db)
    count = storm.count + proxy.done
    faults = sum(count[name] for name in ('kills', 'stops', 'terms', 'terminated', 'fast', 'immediate', *CUTS))
    tap.ok(found == wanted and not violations and not storm.wrong,
           f'{count["runs"]} runs of {workers} workers with {faults} faults end as one run without any, SEED={number}',
           lambda: storm.wrong[:5] + violations[:5] + differences(wanted, found))


def main():
    tap = Tap()
    tap.note(f'SEED={SEED}')
    with Cluster() as cluster:
        prepare(cluster)
        check_storm(tap, cluster)
        wanted = calm_state(cluster)
        for number, workers in enumerate((1, 2, 5), SEED):
            check_same_end(tap, cluster, wanted, number, workers)
    tap.done()


main()
