#!/usr/bin/python3
"""pgbouncer_test: the program behind a pool in transaction mode, where each transaction may meet another session.

database.prepared_statements = false is all that it needs; without, it says so.
"""

import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True  # the checkout stays clean

from harness import (AS_OF, Cluster, ENVIRONMENT, Reference, Tap, exactly_once, load, perennial, slow_down, unsound,
                     wait_for_batches, wait_until)

POOLED = 'database: { prepared_statements = false; };'
SERVER_SESSIONS = 2

INI = """
[databases]
* = host={cluster}
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users
admin_users = postgres
logfile = {folder}/log
pidfile = {folder}/pid
pool_mode = transaction
default_pool_size = {sessions}
server_round_robin = 1
"""


class Pool:
    """A pgbouncer in transaction mode in front of a cluster, with fewer sessions than a run has workers."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.folder = f'{cluster.folder}/pool'
        self.process = None

    def __enter__(self):
        os.mkdir(self.folder)
        if os.geteuid() == 0:
            shutil.chown(self.folder, 'postgres')
        for name, text in ('users', '"postgres" ""\n'), ('ini', INI):
            with open(f'{self.folder}/{name}', 'w') as file:
                file.write(text.format(cluster=self.cluster.folder, folder=self.folder, sessions=SERVER_SESSIONS))
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        # Debian keeps it where only root looks.  It refuses to be root.
        program = shutil.which('pgbouncer', path=f"{os.environ['PATH']}:/usr/sbin")
        user = ['--user=postgres'] if os.geteuid() == 0 else []
        self.process = subprocess.Popen([program, '--quiet', *user, f'{self.folder}/ini'], env=ENVIRONMENT)
        wait_until(lambda: os.path.exists(f'{self.folder}/.s.PGSQL.6432'), 'pgbouncer listens')

    def stop(self):
        """Ends it at once: whoever is connected loses the connection."""
        self.process.terminate()
        self.process.wait()

    def conninfo(self, db):
        return f'host={self.folder} port=6432 dbname={db} user=postgres'

    def psql(self, sql, db):
        done = subprocess.run(['psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', self.conninfo(db), '-f', '-'], input=sql,
                              env=ENVIRONMENT, text=True, capture_output=True, check=True)
        return done.stdout.rstrip('\n')


def check_migrate(tap, cluster, pool):
    db = cluster.createdb('fresh')
    ended = perennial(pool.conninfo(db), 'migrate', config=POOLED)
    tap.ok(ended.code == 0, 'migrate works through the pool', ended)
    again = perennial(pool.conninfo(db), 'migrate', config=POOLED)
    tap.ok(again.code == 0, 'and once more, as there is nothing to do', again)
    load(cluster, db)
    tap.ok(not unsound(cluster, db), 'the schema is there', lambda: unsound(cluster, db))


def check_readers(tap, cluster, pool, db):
    """Commands that only read say through the pool what they say without it."""
    for command in (['plan', '--as-of', AS_OF, '--format', 'json'], ['plan', '--as-of', AS_OF, '--format', 'csv'],
                    ['history', '39'], ['history', '39', '--format', 'json']):
        direct = perennial(cluster.conninfo(db), *command)
        pooled = perennial(pool.conninfo(db), *command, config=POOLED)
        tap.ok(pooled.code == 0 and pooled.out == direct.out, f'{" ".join(command)} says the same through the pool',
               [pooled, direct])


def check_run(tap, reference, pool):
    db = reference.copy('pooled')
    check_readers(tap, reference.cluster, pool, db)
    ended = reference.run(pool.conninfo(db), '--workers', 3, config=POOLED)
    reference.same(tap, db, ended, f'a run of 3 workers does its work with {SERVER_SESSIONS} sessions')
    settings = """SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings
                  WHERE context = 'user' AND name NOT IN ('application_name', 'TimeZone')"""
    sessions = [pool.psql(f"SELECT pg_backend_pid() || ' ' || ({settings})", db).split(' ', 1)
                for _ in range(2 * SERVER_SESSIONS)]
    found = {own for _, own in sessions}
    tap.ok(len({pid for pid, _ in sessions}) == SERVER_SESSIONS and found == {reference.cluster.value(settings, db)},
           'its settings do not stay behind in the sessions of the pool', sessions)
    check_readers(tap, reference.cluster, pool, db)


def check_restart(tap, reference, pool):
    db = reference.copy('restarted')
    slow_down(reference.cluster, db)
    with reference.start(pool.conninfo(db), '--workers', 3, config=POOLED) as run:
        for batches in 3, 9:
            wait_for_batches(reference.cluster, db, batches)
            pool.stop()
            pool.start()
        reference.same(tap, db, run.wait(), 'a pool that is restarted in a run, twice, changes nothing')


def check_prune(tap, reference, pool):
    db = reference.copy('pruned')
    reference.run(pool.conninfo(db), config=POOLED)
    reference.cluster.psql("UPDATE perennial.notification_job "
                           "SET state = 'done', finished_at = now() - interval '100 days' WHERE kind = 'expired'", db)
    kinds = "SELECT DISTINCT kind FROM perennial.notification_job ORDER BY kind"
    before = reference.cluster.psql(kinds, db)
    ended = perennial(pool.conninfo(db), 'prune', '--older-than', '90d', config=POOLED)
    left = reference.cluster.psql(kinds, db)
    tap.ok(ended.code == 0 and ['expired'] in before and left == [k for k in before if k != ['expired']],
           'prune deletes through the pool what is old', [ended, left])


def check_check(tap, reference, pool):
    db = reference.copy('checked')
    warning = 'warning  connection    statements are prepared, and a connection pool stands between'
    for config, name in (POOLED, 'check has nothing to say of the pool'), ('', 'but where statements are prepared'):
        ended = perennial(pool.conninfo(db), 'check', config=config)
        tap.ok(ended.code == 0 and (warning in ended.out) == (config != POOLED), name, ended)


def check_hint(tap, reference, pool):
    hint = 'hint: behind a connection pool, the configuration needs database.prepared_statements = false'
    db = reference.copy('prepared')
    # The first leaves its prepared statements behind in the session that the second one gets.
    perennial(pool.conninfo(db), 'plan', '--as-of', AS_OF)
    ended = perennial(pool.conninfo(db), 'plan', '--as-of', AS_OF)
    tap.ok(ended.code == 78 and hint in ended.err, 'a plan with prepared statements ends with 78 and a hint', ended)

    db = reference.copy('prepared')
    slow_down(reference.cluster, db, 0.02)
    ended = reference.run(pool.conninfo(db), '--workers', 3)
    tap.ok(ended.code == 78 and hint in ended.err, 'so does a run, as its workers meet in a session', ended)
    tap.ok(not unsound(reference.cluster, db), 'what it had done is sound', lambda: unsound(reference.cluster, db))
    reference.run(pool.conninfo(db), '--workers', 3, config=POOLED)
    exactly_once(tap, reference.cluster, db, reference.state, 'a run without them completes it')


def main():
    tap = Tap()
    with Cluster() as cluster, Pool(cluster) as pool:
        reference = Reference(cluster)
        check_migrate(tap, cluster, pool)
        check_run(tap, reference, pool)
        check_restart(tap, reference, pool)
        check_prune(tap, reference, pool)
        check_check(tap, reference, pool)
        check_hint(tap, reference, pool)
    tap.done()


main()
