#!/usr/bin/python3
"""server_test: servers that restart, crash, fill up, come late, never come back, or hand over to a standby.

A run waits for them within its budget, run.retry_for, and goes on; otherwise it says what it lost, and the next one
completes the work.
"""

import sys

sys.dont_write_bytecode = True  # the checkout stays clean

from harness import (AS_OF, Cluster, Reference, Session, Tap, exactly_once, perennial, slow_down, unsound,
                     wait_for_batches, wait_until)
from proxy import Proxy

SHORT = 'run: { retry_for = "500ms"; };'
LONG = 'run: { retry_for = "120s"; };'


# After the third batch a run waits until a session lets it go on: there is much left then, on a machine of any speed.
GATE = """
CREATE FUNCTION perennial.wait() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	IF (SELECT count(*) FROM perennial.batch) > 3 THEN
		PERFORM pg_advisory_xact_lock_shared(1);
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER wait AFTER INSERT ON perennial.batch FOR EACH ROW EXECUTE FUNCTION perennial.wait();
"""


def slow_copy(reference, db):
    slow_down(reference.cluster, reference.copy(db))
    return db


def check_restarts(tap, reference):
    cluster = reference.cluster
    for mode in 'fast', 'immediate':
        for workers in 1, 3:
            db = slow_copy(reference, f'{mode}_{workers}')
            with reference.start(cluster.conninfo(db), '--workers', workers, config=LONG) as run:
                for batches in 2, 8:
                    wait_for_batches(cluster, db, batches)
                    cluster.restart(mode)
                wait_for_batches(cluster, db, batches + 1)
                name = f'{mode} restarts of the server, twice in a run of {workers} workers, change nothing'
                reference.same(tap, db, run.wait(), name)


def check_terminated_backends(tap, reference):
    cluster = reference.cluster
    kills = {'pg_terminate_backend': 'terminated', 'pg_cancel_backend': 'canceled'}
    for function, word in kills.items():
        db = slow_copy(reference, word)
        hit = batches = 0
        with reference.start(cluster.conninfo(db), '--workers', 3, config=LONG) as run:
            while hit <= 6:
                batches += 1
                wait_for_batches(cluster, db, batches)
                hit += int(cluster.value(f"SELECT count({function}(pid)) FROM pg_stat_activity "
                                         f"WHERE datname = '{db}' AND application_name LIKE 'perennial run=%'"))
            ended = run.wait()
        reference.same(tap, db, ended, f'a run whose backends are {word} again and again changes nothing')


def check_late_server(tap, reference):
    cluster = reference.cluster
    db = reference.copy('late')
    cluster.stop()
    ended = reference.run(cluster.conninfo(db), config=SHORT)
    tap.ok(ended.code == 69 and 'cannot connect' in ended.err and not ended.out,
           'a run without a server ends with 69 when its budget is used up', ended)
    with Proxy(cluster.folder) as proxy, reference.start(proxy.conninfo(db), config=LONG) as run:
        wait_until(lambda: proxy.done['connections'] >= 3, 'the run has tried again')
        cluster.start()
        reference.same(tap, db, run.wait(), 'a run waits for a server that starts within its budget')


def check_lost_server(tap, reference):
    cluster = reference.cluster
    for workers in 1, 3:
        db = slow_copy(reference, f'lost_{workers}')
        with reference.start(cluster.conninfo(db), '--workers', workers, config=SHORT) as run:
            wait_for_batches(cluster, db, 3)
            cluster.stop('immediate')
            ended = run.wait()
        tap.ok(ended.code == 75 and not ended.out and 'perennial:' in ended.err,
               f'a run of {workers} workers that loses its server for good ends with 75', ended)
        cluster.start()
        wait_until(lambda: cluster.value("SELECT count(*) FROM pg_stat_activity "
                                         "WHERE application_name LIKE 'perennial run=%'") == '0', 'no backend is left')
        tap.ok(not unsound(cluster, db), 'what it had done is sound', lambda: unsound(cluster, db))
        ended = reference.run(cluster.conninfo(db))
        tap.ok(ended.code in (0, 10), 'the next run completes it', ended)
        exactly_once(tap, cluster, db, reference.state, 'both together did everything once')


def check_few_connections(tap, reference):
    cluster = reference.cluster
    cluster.psql("""CREATE ROLE nobody LOGIN CONNECTION LIMIT 0 IN ROLE perennial_batch;
                    CREATE ROLE single LOGIN CONNECTION LIMIT 1 IN ROLE perennial_batch;
                    CREATE ROLE someone LOGIN IN ROLE perennial_batch;""")
    db = reference.copy('few')
    ended = reference.run(cluster.conninfo(db, 'nobody'), config=SHORT)
    tap.ok(ended.code == 69 and 'too many connections for role "nobody"' in ended.err,
           'a run that gets no connection ends with 69 and says why', ended)
    slow_down(cluster, db, 0.02)
    with Proxy(cluster.folder) as proxy:
        ended = reference.run(proxy.conninfo(db, 'single'), '--workers', 3, config=SHORT)
    tap.ok(proxy.done['connections'] >= 3, 'further workers ask for a connection', proxy.done)
    reference.same(tap, db, ended, 'a run does its work with the one connection that it gets')

    db = slow_copy(reference, 'crowded')
    cluster.psql(f'ALTER DATABASE {db} CONNECTION LIMIT 0')
    with Proxy(cluster.folder) as proxy:
        with reference.start(proxy.conninfo(db, 'someone'), '--workers', 3, config=LONG) as run:
            wait_until(lambda: proxy.done['connections'] >= 3, 'the run has tried again')
            cluster.psql(f'ALTER DATABASE {db} CONNECTION LIMIT 1')
            wait_for_batches(cluster, db, 2)
            cluster.psql(f'ALTER DATABASE {db} CONNECTION LIMIT -1')
            reference.same(tap, db, run.wait(), 'a run waits for a database that has no connection left')


def check_failover(tap, reference, primary, synchronous):
    kind = 'synchronous' if synchronous else 'asynchronous'
    with primary.standby() as standby:
        if synchronous:
            primary.configure(synchronous_standby_names='*')
            primary.reload()
        db = slow_copy(reference, f'failover_{kind}')
        primary.psql(GATE, db)
        standby.caught_up()
        hosts = primary.conninfo(db).replace(primary.folder, f'{primary.folder},{standby.folder}')
        with Session(primary, db) as gate, reference.start(hosts, '--workers', 3, config=LONG) as run:
            gate('SELECT pg_advisory_lock(1)')
            wait_for_batches(primary, db, 3)
            if not synchronous:
                # What is committed from here on will be lost, and has to be done again.
                standby.cut_off()
            before = int(primary.value('SELECT count(*) FROM perennial.batch', db))
            gate('SELECT pg_advisory_unlock(1)')
            wait_for_batches(primary, db, before + 3)
            primary.stop('immediate')
            standby.promote()
            ended = run.wait()
        reference.same(tap, db, ended, f'a run goes on at its standby, {kind}, once that is promoted', cluster=standby)


def check_standby(tap, reference, primary):
    with primary.standby() as standby:
        db = reference.copy('read_only')
        standby.caught_up()

        def plan(cluster, form):
            return perennial(cluster.conninfo(db), 'plan', '--as-of', AS_OF, '--format', form)

        for form in 'jsonl', 'csv':
            wanted, found = plan(primary, form), plan(standby, form)
            tap.ok(wanted.code == found.code == 0 and wanted.out == found.out != '',
                   f'plan --format {form} on a standby is that of its primary', [wanted, found])
        wanted, found = plan(primary, 'json'), plan(standby, 'json')
        tap.ok(found.json() == {**wanted.json(), 'standby': True} and not wanted.json()['standby'],
               'plan --format json on a standby is that of its primary, and says where it was made', [wanted, found])

        ended = perennial(standby.conninfo(db), 'check')
        tap.ok(ended.code == 0 and 'warning  connection    this server is a standby' in ended.out,
               'check says that a server is a standby', ended)

        ended = reference.run(standby.conninfo(db), config=SHORT)
        tap.ok(ended.code == 69 and 'server is in hot standby mode' in ended.err and 'hint: ' in ended.err,
               'a run that finds nothing but a standby ends with 69 and says so', ended)
        ended = reference.run(standby.conninfo(db) + ' target_session_attrs=any', config=SHORT)
        tap.ok(ended.code in (69, 75) and 'read-only' in ended.err and 'hint: ' in ended.err,
               'a run that is made to use a standby ends with 69 or 75 and says that it is read-only', ended)
        ended = reference.run(primary.conninfo(db) + " options='-c default_transaction_read_only=on'", config=SHORT)
        tap.ok(ended.code in (69, 75) and 'read-only' in ended.err,
               'a run on a server that is read-only by its settings ends with 69 or 75 and says so', ended)
        tap.ok(primary.value('SELECT count(*) FROM perennial.batch', db) == '0', 'nothing was done')


def main():
    tap = Tap()
    with Cluster() as cluster:
        reference = Reference(cluster)
        check_restarts(tap, reference)
        check_terminated_backends(tap, reference)
        check_late_server(tap, reference)
        check_lost_server(tap, reference)
        check_few_connections(tap, reference)
        check_standby(tap, reference, cluster)
        # The primary does not survive these.
        check_failover(tap, reference, cluster, synchronous=False)
        cluster.start()
        check_failover(tap, reference, cluster, synchronous=True)
    tap.done()


main()
