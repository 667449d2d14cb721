"""stage: a server whose commits reach the disk, databases that are copies of one template, and what a command costs."""

import contextlib
import datetime
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from faults.harness import ENVIRONMENT, LEFT_OUT, PROGRAM, Cluster, binary  # noqa: E402, F401

# As Debian has them, but for what makes measurements differ from each other: a checkpoint in the middle of one, autovacuum,
# and new files for the log, which whoever comes after somebody that wrote little has to fill.  A quarter of a small
# machine's memory is what its administrator gives to a server.
SETTINGS = {'fsync': 'on', 'synchronous_commit': 'on', 'full_page_writes': 'on', 'shared_buffers': '1GB',
            'min_wal_size': '8GB', 'max_wal_size': '16GB', 'checkpoint_timeout': '1h', 'autovacuum': 'off'}
# Where it only matters whether everything works.
SMALL_SETTINGS = {**SETTINGS, 'fsync': 'off', 'shared_buffers': '64MB', 'min_wal_size': '80MB'}

FIRST_END = datetime.datetime(2024, 3, 3, tzinfo=datetime.timezone.utc)
ENDS_WITHIN = datetime.timedelta(days=23)


def live(subscriptions):
    """How many of load.sql have not expired."""
    return subscriptions - subscriptions // 20


def due_at(due, subscriptions, months=0):
    """The instant at which so many of load.sql are due, or so many months later."""
    if not 0 <= due <= live(subscriptions):
        raise ValueError(f'{due} of {live(subscriptions)}')
    instant = FIRST_END + ENDS_WITHIN * ((due - 0.5) / live(subscriptions)) + datetime.timedelta(days=31) * months
    return instant.strftime('%Y-%m-%dT%H:%M:%S.%fZ')


class Cost:
    """What processes took: seconds until the last one ended, those of processors that all of them used, MiB that were
    resident in one at most, and what the first one printed."""

    def __init__(self, seconds, busy, mib, out):
        self.seconds, self.busy, self.mib, self.out = seconds, busy, mib, out


def timed(*commands, input=None):
    """Runs commands at the same time, each to its end.  GNU time tells their memory: a Python that starts them would
    count, too."""
    with contextlib.ExitStack() as stack:
        files = [[stack.enter_context(tempfile.NamedTemporaryFile('w+')) for _ in range(4)] for _ in commands]
        for given, *_ in files:
            given.write(input or '')
            given.seek(0)
        began = time.perf_counter()
        processes = [
            subprocess.Popen(['/usr/bin/time', '-q', '-f', '%U %S %M', '-o', told.name, *map(str, command)],
                             env=ENVIRONMENT, stdin=given, stdout=out, stderr=err)
            for command, (given, out, err, told) in zip(commands, files)]
        codes = [process.wait() for process in processes]
        seconds = time.perf_counter() - began
        for command, code, (_, _, err, _) in zip(commands, codes, files):
            if code:
                err.seek(0)
                raise RuntimeError(f'{command}: exit code {code}\n{err.read()}')
        told = [pathlib.Path(told.name).read_text().split() for *_, told in files]
        return Cost(seconds, sum(float(user) + float(system) for user, system, _ in told),
                    max(int(kib) for *_, kib in told) / 1024, pathlib.Path(files[0][1].name).read_text())


class Stage(Cluster):
    """The server, and one template for each number of subscriptions.  For a with block."""

    def template(self, subscriptions):
        """The database that measurements copy; made at its first use."""
        name = f'template_{subscriptions}'
        if not self.psql(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            self.migrated(name)
            self.psql(f'\\set subscriptions {subscriptions}\n' + (HERE / 'load.sql').read_text(), name)
            self.psql('CREATE SCHEMA bench', name)
        return name

    def fresh(self, subscriptions, name='measured'):
        """A copy of the template, after a checkpoint."""
        template = self.template(subscriptions)
        self.psql(f'DROP DATABASE IF EXISTS {name} WITH (FORCE);\n'
                  f'CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy;\nCHECKPOINT')
        return name

    def perennial(self, db, *arguments, config=''):
        """The cost of the program, with a configuration given as text."""
        with tempfile.NamedTemporaryFile('w', suffix='.conf') as file:
            file.write(config)
            file.flush()
            return timed([PROGRAM, '-c', file.name, '-q', '-d', self.conninfo(db), *arguments])

    def psql_command(self, db, *arguments):
        """psql as a process, for what is timed."""
        return [binary('psql'), '-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', self.folder, '-U', 'postgres', '-d', db,
                *arguments]

    def wal(self):
        """How much was written to the log so far, in bytes."""
        return int(self.value("SELECT pg_current_wal_insert_lsn() - '0/0'"))

    def busy(self):
        """Seconds of processors that the sessions which have ended used so far, as their parent knows."""
        parent = int(pathlib.Path(self.data, 'postmaster.pid').read_text().split()[0])
        time.sleep(0.1)  # until it has noticed
        fields = pathlib.Path(f'/proc/{parent}/stat').read_text().rpartition(')')[2].split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf('SC_CLK_TCK')


def medians(times, **measures):
    """Calls each measure so many times, in turn, so that whatever changes on the machine meets all of them; returns the
    median of each."""
    found = {name: [] for name in measures}
    for _ in range(times):
        for name, measure in measures.items():
            found[name].append(measure())
    return {name: statistics.median(values) for name, values in found.items()}
