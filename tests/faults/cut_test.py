#!/usr/bin/python3
"""cut_test: connections that are lost, fall silent or lie at each COMMIT of a run, and anywhere else at random.

The run itself has to get over it, and to end as if nothing had happened.  SEED repeats random cuts.
"""

import concurrent.futures
import sys

sys.dont_write_bytecode = True  # the checkout stays clean

from harness import AS_OF, Cluster, Reference, Tap, exactly_once, seed, unsound, wait_until
from proxy import Proxy, at, growing

SEED = seed(20240331)
SEEDS = 4

# A silent server is given up 5 s after the time that a statement may take, and at login after connect_timeout.
BLACKHOLE = 'run: { statement_timeout = "1s"; };'
# Those wait, so that they can wait together.
BLACKHOLES_AT_A_TIME = 24


def meets(reference, db, fault, number, *options, config=''):
    """A run on a copy whose COMMIT of this number meets a fault, and what the proxy did."""
    with Proxy(reference.cluster.folder, at(number, fault)) as proxy:
        ended = reference.run(proxy.conninfo(reference.copy(db)), *options, config=config)
    return ended, proxy.done


def check_each_commit(tap, reference):
    for fault in 'before_commit', 'after_commit', 'abort_commit':
        for number in range(1, reference.commits + 1):
            name = f'{fault} at COMMIT {number} of {reference.commits}'
            ended, done = meets(reference, 'cut', fault, number, '--workers', 1)
            tap.ok(done[fault] == 1 and done['accompanied'] == 0, f'{name} happens, and COMMIT comes alone', done)
            reference.same(tap, 'cut', ended, f'{name} changes nothing')


def check_each_exchange(tap, reference, exchanges):
    """Each exchange, from the first connection to the last word: COMMITs among them."""
    cases = [(fault, number) for fault in ('before', 'after', 'blackhole_before', 'blackhole_after')
             for number in range(1, exchanges + 1)]

    def run(case):
        fault, number = case
        with Proxy(reference.cluster.folder, choose_exchange=at(number, fault)) as proxy:
            db = reference.copy(f'{fault}_{number}')
            ended = reference.run(f'{proxy.conninfo(db)} connect_timeout=2', '--workers', 1, config=BLACKHOLE)
        return db, ended, proxy.done[fault]

    with concurrent.futures.ThreadPoolExecutor(BLACKHOLES_AT_A_TIME) as pool:
        for (fault, number), (db, ended, done) in zip(cases, pool.map(run, cases)):
            name = f'{fault} exchange {number} of {exchanges}'
            if tap.ok(done == 1, f'{name} happens', ended):
                reference.same(tap, db, ended, f'{name}, it changes nothing')


def check_several_workers(tap, reference):
    for fault in 'before_commit', 'after_commit', 'abort_commit':
        for number in 1, 2, 3, 9, reference.commits:
            ended, done = meets(reference, 'cut', fault, number, '--workers', 3)
            tap.ok(done[fault] == 1, f'{fault} {number} happens to one of 3 workers', done)
            reference.same(tap, 'cut', ended, f'{fault} at COMMIT {number} of 3 workers changes nothing')
    for fault in 'before_commit', 'after_commit', 'abort_commit':
        ended, done = meets(reference, 'cut', fault, range(1, 100, 2), '--workers', 3)
        tap.ok(done[fault] > 3, f'{fault} happens to each second COMMIT of 3 workers', done)
        reference.same(tap, 'cut', ended, f'{fault} at each second COMMIT of 3 workers changes nothing')
    for fault in 'blackhole_before', 'blackhole_after':
        ended, done = meets(reference, 'cut', fault, (1, 2, 3), '--workers', 3, config=BLACKHOLE)
        tap.ok(done[fault] == 3, f'{fault} happens to 3 workers at a time', done)
        reference.same(tap, 'cut', ended, f'{fault} of 3 workers at a time changes nothing')


def check_orphans(tap, reference):
    """A session that the server has not given up holds its locks: the run tells what they kept from it."""
    for number in range(1, reference.commits + 1, 4):
        ended, done = meets(reference, 'cut', 'orphan', number, '--workers', 1, config=BLACKHOLE)
        left = int(reference.cluster.value(
            'SELECT count(*) FROM perennial.subscription '
            f"WHERE period_end <= '{AS_OF}' AND status <> 'expired' AND hold_reason IS NULL", 'cut'))
        tap.ok(done['orphan'] == 1 and ended.code in (10, 11) and ended.json()['left'] == left,
               f'COMMIT {number} of {reference.commits} leaves an orphan, and what is left is told', [left, ended])
        wait_until(lambda: reference.cluster.value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = 'cut' AND pid <> pg_backend_pid()") == '0',
            'the server gave it up')
        reference.run(reference.cluster.conninfo('cut'))
        exactly_once(tap, reference.cluster, 'cut', reference.state, 'the next run does the rest')


def check_limit(tap, reference):
    """What came of a COMMIT that was cut is not known: its rows count, so that a limit is never passed."""
    for fault, least in ('abort_commit', 5), ('after_commit', 5), ('before_commit', 0):
        ended, done = meets(reference, 'cut', fault, 1, '--limit', 5)
        touched = int(reference.cluster.value(
            'SELECT count(DISTINCT subscription_id) FROM perennial.history WHERE run_id IS NOT NULL', 'cut'))
        right = (done[fault] == 1 and ended.code in (10, 11) and ended.json()['stopped_by'] == 'limit'
                 and least <= touched <= 5 and not unsound(reference.cluster, 'cut'))
        wanted = 'exactly' if least == 5 else 'at most'
        tap.ok(right, f'run --limit 5 does {wanted} 5 subscriptions when its first COMMIT meets {fault}',
               f'{touched} were done, {dict(done)}: {ended}')


def check_random_cuts(tap, reference):
    for number in range(SEED, SEED + SEEDS):
        for workers in 1, 3:
            with Proxy(reference.cluster.folder, bytes=growing(number)) as proxy:
                ended = reference.run(proxy.conninfo(reference.copy('cut')), '--workers', workers)
            name = f'{proxy.done["cuts"]} random cuts of {workers} workers change nothing, SEED={number}'
            tap.ok(proxy.done['cuts'] > 0, f'connections are cut, SEED={number}', proxy.done)
            reference.same(tap, 'cut', ended, name)


def main():
    tap = Tap()
    tap.note(f'SEED={SEED}')
    with Cluster() as cluster:
        reference = Reference(cluster, subscriptions=160)
        check_each_commit(tap, reference)
        check_several_workers(tap, reference)
        check_orphans(tap, reference)
        check_limit(tap, reference)
        check_random_cuts(tap, reference)
        small = Reference(cluster, 'small', subscriptions=60, accounts=3)
        with Proxy(cluster.folder) as proxy:
            small.run(proxy.conninfo(small.copy('counted')), '--workers', 1)
        check_each_exchange(tap, small, proxy.done['exchanges'])
    tap.done()


main()
