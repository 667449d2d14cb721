"""harness: what the fault tests share: servers of their own, the program, subscriptions, and what a run made of them.

Each test starts the servers that it breaks.  Databases are copies of one that was loaded once; a run without faults on
one copy says what every other copy has to look like in the end.
"""

import contextlib
import glob
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from oracle import harness as oracle

PROGRAM = os.path.abspath(oracle.PROGRAM)

# The instant at which load() leaves subscriptions due.
AS_OF = '2024-03-31T02:00:00Z'

# Sees nothing of the server that the caller's environment names, and writes instants in one way.
ENVIRONMENT = {**{k: v for k, v in os.environ.items() if not k.startswith('PG')},
               'PGTZ': 'UTC', 'PGDATESTYLE': 'ISO', 'PGCLIENTENCODING': 'UTF8', 'LC_ALL': 'C.UTF-8'}


class Tap(oracle.Tap):
    """TAP output, with an explanation below what is not ok."""

    def ok(self, good, name, explanation=''):
        """One result; the explanation is shown as text, a list line by line, a function's when it is needed."""
        good = bool(good)
        super().ok(good, name)
        if not good:
            explanation = explanation() if callable(explanation) else explanation
            for line in explanation if isinstance(explanation, list) else [explanation]:
                self.note(line)
        return good


def seed(default):
    """The number that all chance of a test comes from: SEED of the environment, which repeats a failure, or this."""
    return int(os.environ.get('SEED', default))


def wait_until(true, what, seconds=60):
    """Waits for something that another process does."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f'waited in vain until {what}')
        time.sleep(0.02)


# Servers.

def binary(name):
    """The path of a program of the newest PostgreSQL server that is installed, or its name where PATH has it."""
    found = glob.glob(f'/usr/lib/postgresql/*/bin/{name}')
    return max(found, key=lambda path: float(path.split('/')[4])) if found else name


class Cluster:
    """A throw-away PostgreSQL server with a folder and a socket of its own.  It does not listen to the network.

    Settings are added to postgresql.conf: Cluster(max_connections=5).  The end of the with block stops and deletes it.
    """

    def __init__(self, **settings):
        # The machine does not crash: what a server wrote is there after its own crash.
        self.settings = {'fsync': 'off', 'full_page_writes': 'off', 'listen_addresses': '', 'max_connections': 60,
                         'shared_buffers': '32MB', **settings}
        self.folder = self.data = self.log = None

    def __enter__(self):
        self._make_folder()
        try:
            self._server_program('initdb', '--no-sync', '--auth=trust', '--username=postgres', '--locale=C.UTF-8',
                                 '--encoding=UTF8', '--pgdata', self.data)
            self.configure(**self.settings)
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        with contextlib.suppress(subprocess.SubprocessError):
            self.stop('immediate')
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_folder(self):
        # prove ends a test with SIGTERM: the server must not outlive it.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        self.folder = tempfile.mkdtemp(prefix='perennial_')
        self.data, self.log = f'{self.folder}/data', f'{self.folder}/log'
        self.settings['unix_socket_directories'] = self.folder
        if os.geteuid() == 0:
            os.chown(self.folder, pwd.getpwnam('postgres').pw_uid, -1)

    def _server_program(self, name, *arguments):
        """Runs a program of the server's, as the user that owns it: PostgreSQL refuses root."""
        user = ['runuser', '-u', 'postgres', '--'] if os.geteuid() == 0 else []
        # To a file: the server would keep a pipe open for as long as it lives.
        with tempfile.TemporaryFile('w+') as said:
            done = subprocess.run([*user, binary(name), *arguments], stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                  cwd=self.folder, env=ENVIRONMENT)
            said.seek(0)
            if done.returncode:
                raise subprocess.SubprocessError(f'{name}: {said.read()}{self.last_words()}')

    def _pg_ctl(self, *arguments):
        self._server_program('pg_ctl', '--pgdata', self.data, '--log', self.log, '--wait', '--timeout=120', *arguments)

    def last_words(self, lines=20):
        """The end of the server's log."""
        if not os.path.exists(self.log):
            return ''
        with open(self.log, errors='replace') as log:
            return ''.join(log.readlines()[-lines:])

    def configure(self, **settings):
        """Adds settings to the file; reload(), restart() or start() makes them count."""
        with open(f'{self.data}/postgresql.conf', 'a') as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def start(self):
        self._pg_ctl('start')

    def stop(self, mode='fast'):
        """Stops it: smart, fast, or immediate, which is a crash."""
        self._pg_ctl('stop', '--mode', mode)

    def restart(self, mode='fast'):
        self._pg_ctl('restart', '--mode', mode)

    def reload(self):
        self._pg_ctl('reload')

    def promote(self):
        """Makes a standby a primary."""
        self._pg_ctl('promote')

    def standby(self, **settings):
        """A hot standby of this server, which streams already; for a with block."""
        return Standby(self, **settings)

    def conninfo(self, db, role='postgres'):
        """How the program reaches a database of this server."""
        return f'host={self.folder} dbname={db} user={role}'

    def psql(self, sql, db='postgres', role='postgres'):
        """Runs statements; the rows that they return, as lists of text, null being the empty text."""
        done = subprocess.run([binary('psql'), '-XqAt', '-0', '-F', '\x1f', '-v', 'ON_ERROR_STOP=1', '-h', self.folder,
                               '-U', role, '-d', db, '-f', '-'], input=sql, env=ENVIRONMENT, text=True,
                              capture_output=True)
        if done.returncode:
            raise RuntimeError(f'psql: {done.stderr}')
        return [row.split('\x1f') for row in done.stdout.split('\0')[:-1]]

    def value(self, sql, db='postgres'):
        """The one value of the one row of a query, as text."""
        [[value]] = self.psql(sql, db)
        return value

    def createdb(self, name, template='template1'):
        """Makes a database, or makes it again, as a copy."""
        self.psql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE);\n'
                  f'CREATE DATABASE "{name}" TEMPLATE "{template}";')
        return name

    def migrated(self, name):
        """Makes a database with the schema and nothing in it."""
        self.createdb(name)
        done = perennial(self.conninfo(name), 'migrate')
        if done.code != 0:
            raise RuntimeError(f'migrate: {done.err}')
        return name

    def loaded(self, name, **load_arguments):
        """Makes a database with the subscriptions of load()."""
        load(self, self.migrated(name), **load_arguments)
        return name


class Standby(Cluster):
    """A hot standby of a cluster."""

    def __init__(self, primary, **settings):
        super().__init__(**settings)
        self.primary = primary

    def __enter__(self):
        self._make_folder()
        try:
            # Its name there is that of its folder; synchronous_standby_names may be '*'.
            name = os.path.basename(self.folder)
            self._server_program('pg_basebackup', '--no-sync', '--checkpoint=fast', '--write-recovery-conf',
                                 '--pgdata', self.data, '--dbname',
                                 f'host={self.primary.folder} user=postgres application_name={name}')
            self.configure(**self.settings)
            self.start()
            wait_until(lambda: self.primary.psql(f"SELECT 1 FROM pg_stat_replication WHERE application_name = '{name}' "
                                                 "AND state = 'streaming'"), 'the standby streams')
        except BaseException:
            self.__exit__()
            raise
        return self

    def caught_up(self):
        """Waits until it has replayed what its primary has written so far."""
        written = self.primary.value('SELECT pg_current_wal_lsn()')
        wait_until(lambda: self.value(f"SELECT pg_last_wal_replay_lsn() >= '{written}'") == 't', 'it caught up')

    def cut_off(self):
        """Ends the streaming, for good: from here on it knows nothing of what its primary does."""
        self.psql("ALTER SYSTEM SET primary_conninfo = '';\nSELECT pg_reload_conf()")
        wait_until(lambda: not self.psql('SELECT 1 FROM pg_stat_wal_receiver'), 'the standby is cut off')


class Session:
    """Another session on a database, which stays open: for locks that it holds.  For a with block."""

    def __init__(self, cluster, db):
        self.psql = subprocess.Popen([binary('psql'), '-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', cluster.folder, '-U',
                                      'postgres', '-d', db, '-f', '-'], env=ENVIRONMENT, text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.psql.kill()
        self.psql.communicate()

    def __call__(self, sql):
        """Runs statements, and returns when they are done."""
        self.psql.stdin.write(f'{sql};\n\\echo done\n')
        self.psql.stdin.flush()
        said = iter(self.psql.stdout.readline, 'done\n')
        lines = [line for line in said if line or self._ended(sql)]
        return lines

    def _ended(self, sql):
        raise RuntimeError(f'the session ended: {sql}')


# The program.

class Ended:
    """How a run of the program ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f'exit code {self.code}\n' + '\n'.join((self.out + self.err).splitlines()[-20:])


class Started:
    """The program, started in the background, with a configuration given as text."""

    def __init__(self, conninfo, *arguments, config='', env=None):
        self.config = tempfile.NamedTemporaryFile('w', suffix='.conf')
        self.config.write(config)
        self.config.flush()
        # Files, unlike pipes, are never full.
        self.out, self.err = tempfile.TemporaryFile('w+'), tempfile.TemporaryFile('w+')
        self.process = subprocess.Popen([PROGRAM, '-c', self.config.name, '-d', conninfo, *map(str, arguments)],
                                        env={**ENVIRONMENT, **(env or {})}, stdin=subprocess.DEVNULL,
                                        stdout=self.out, stderr=self.err)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for file in self.config, self.out, self.err:
            file.close()

    def running(self):
        return self.process.poll() is None

    def send(self, number):
        """Sends it a signal."""
        self.process.send_signal(number)

    def said(self):
        """What it wrote to stderr so far."""
        self.err.seek(0)
        return self.err.read()

    def wait(self, timeout=300):
        """How it ended.  One that hangs ends the test."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f'perennial is still there after {timeout} s: {self.said()}') from None
        self.out.seek(0)
        return Ended(self.process.returncode, self.out.read(), self.said())


def perennial(conninfo, *arguments, config='', env=None, timeout=300):
    """Runs the program to its end."""
    with Started(conninfo, *arguments, config=config, env=env) as program:
        return program.wait(timeout)


def run_as_of(conninfo, *options, config='', **keywords):
    """Does what load() left due."""
    return perennial(conninfo, 'run', '--as-of', AS_OF, *options, config=config, **keywords)


# Subscriptions.

def load(cluster, db, number=1, subscriptions=400, accounts=40):
    """Fills a migrated database: the same rows for the same number, in eight buckets, most of them due at AS_OF."""
    script = (HERE / 'load.sql').read_text()
    for name, value in ('seed', number), ('subscriptions', subscriptions), ('accounts', accounts), ('as_of', AS_OF):
        script = f"\\set {name} '{value}'\n{script}"
    cluster.psql(script, db)


def slow_down(cluster, db, seconds=0.1):
    """Makes each batch of a database last so long, to meet a run in its middle."""
    cluster.psql(f"""
        CREATE FUNCTION perennial.sleep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$;
        CREATE TRIGGER sleep AFTER INSERT ON perennial.outcome FOR EACH STATEMENT EXECUTE FUNCTION perennial.sleep();
        """, db)


def wait_for_batches(cluster, db, number):
    """Waits until a run has committed so many."""
    wait_until(lambda: int(cluster.value('SELECT count(*) FROM perennial.batch', db)) >= number, f'{number} batches')


# What a run leaves behind; of each row what two runs that do the same may not have in common: ids and clocks.
LEFT_OUT = {'subscription': [], 'outcome': ['outcome_id', 'run_id', 'decided_at'],
            'event': ['event_id', 'run_id', 'recorded_at'], 'notification_job': ['job_id', 'available_at']}


def final_state(cluster, db):
    """What is in the tables that a run writes: dict of table to the rows, as sorted text, but for ids and clocks."""
    return {table: sorted(row for [row] in cluster.psql(
        f"SELECT to_jsonb(t) - '{{{','.join(left_out)}}}'::text[] FROM perennial.{table} t", db))
        for table, left_out in LEFT_OUT.items()}


def differences(wanted, found, shown=5):
    """The first rows that only one of two final states has, as lines of text; none where they are equal."""
    lines = []
    for table in wanted:
        missing, extra = list(wanted[table]), []
        for row in found[table]:
            # A row may be there twice.
            missing.remove(row) if row in missing else extra.append(row)
        lines += [f'{table}: missing {row}' for row in missing[:shown]]
        lines += [f'{table}: not wanted {row}' for row in extra[:shown]]
        if len(missing) > shown or len(extra) > shown:
            lines.append(f'{table}: {len(missing)} are missing, {len(extra)} are not wanted')
    return lines


def unsound(cluster, db):
    """Each violation of what must always hold, as text; none where all is well."""
    return [row for [row] in cluster.psql('SELECT to_jsonb(t) FROM perennial.unsound t', db)]


def exactly_once(tap, cluster, db, wanted, name):
    """Tests that a database holds what a run without faults makes of it, and nothing that may not be."""
    found, violations = final_state(cluster, db), unsound(cluster, db)
    return tap.ok(found == wanted and not violations, name,
                  lambda: differences(wanted, found) + [f'unsound: {v}' for v in violations[:5]])


class Reference:
    """A loaded database, and what a run without faults makes of a copy of it."""

    def __init__(self, cluster, name='base', **load_arguments):
        self.cluster = cluster
        self.base = cluster.loaded(name, **load_arguments)
        wanted = self.copy(f'{name}_wanted')
        self.ended = run_as_of(cluster.conninfo(wanted), '--batch-size', 20, '--format', 'json')
        self.commits = int(cluster.value('SELECT count(DISTINCT xmin::text) FROM perennial.batch', wanted))
        self.state = final_state(cluster, wanted)
        violations = unsound(cluster, wanted)
        # Some are newly held, so that a fault has holds to repeat, too.
        if self.ended.code != 10 or violations:
            raise RuntimeError(f'the run without faults: {self.ended}\n{violations}')

    def copy(self, name):
        """Makes a database of this name, as it was loaded."""
        return self.cluster.createdb(name, self.base)

    def run(self, conninfo, *options, config=''):
        """Does what is due in a copy."""
        return run_as_of(conninfo, '--batch-size', 20, '--format', 'json', *options, config=config)

    def start(self, conninfo, *options, config=''):
        """The same in the background."""
        return Started(conninfo, 'run', '--as-of', AS_OF, '--batch-size', 20, '--format', 'json', *options,
                       config=config)

    def same(self, tap, db, ended, name, cluster=None):
        """Tests that a run which met faults ended as the one without them: its exit code, its report, the database."""
        def comparable(told):
            # How the rows were divided into transactions is not the same after a fault.
            return {k: v for k, v in told.json().items() if k not in ('run_id', 'batches')}

        if ended.code != self.ended.code or comparable(ended) != comparable(self.ended):
            return tap.ok(False, name, f'wanted: {self.ended}\nfound: {ended}')
        return exactly_once(tap, cluster or self.cluster, db, self.state, name)
