#!/usr/bin/python3
"""bench_test: the benchmark works, all that it compares does the same, and the server finds what is due by its index.

No time is asserted: what the short form measures says nothing.
"""

import json
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True  # the checkout stays clean

from shapes import EXPLAIN, shapes  # noqa: E402
from stage import HERE, SETTINGS, SMALL_SETTINGS, Stage, due_at, live  # noqa: E402
from targets import TARGETS  # noqa: E402

from faults.harness import Tap  # noqa: E402

SUBSCRIPTIONS, DUE = 20_000, 3_000


def bench_works(tap):
    done = subprocess.run([HERE / 'bench', '--short', '--json', '-'], text=True, capture_output=True)
    told = done.stderr
    try:
        found = json.loads(done.stdout)
    except json.JSONDecodeError:
        found = {}
    if not tap.ok(found, 'the short form measures everything', f'exit code {done.returncode}\n{done.stderr}'):
        return
    contest = found['measured']['contest']
    tap.ok(done.returncode == 0 and contest['different'] == {}, 'all contenders leave the same behind',
           contest['different'])
    tap.ok(all(case['seconds'] > 0 and case['mib'] > 1 for case in contest['contenders'].values()),
           'each contender is timed and weighed', contest)
    tap.ok([row['target'] for row in found['targets']] == [target.name for target in TARGETS]
           and all(row['measured'] > 0 or row['target'].startswith('a thousandth') for row in found['targets']),
           'every target is told beside what was measured', found['targets'])
    tap.ok(all(target.name in told for target in TARGETS), 'and printed', told)


def bench_is_honest(tap):
    tap.ok(all(SETTINGS[name] == 'on' for name in ('fsync', 'synchronous_commit', 'full_page_writes')),
           'what is measured has reached the disk', SETTINGS)


def refused(tap):
    done = subprocess.run([HERE / 'bench', 'speed'], text=True, capture_output=True)
    tap.ok(done.returncode == 2 and 'there is no part speed' in done.stderr, 'an unknown part is refused', done.stderr)


def rows_are_due(tap, stage):
    template = stage.template(SUBSCRIPTIONS)
    for due in 0, 1, DUE, live(SUBSCRIPTIONS):
        found = stage.value("SELECT count(*) FROM perennial.subscription WHERE status <> 'expired' AND period_end <= "
                            f"'{due_at(due, SUBSCRIPTIONS)}'", template)
        tap.ok(int(found) == due, f'{due} are due when {due} should be', found)


def plans(stage):
    """What the server did for a run, a plan, and a plan when all is done."""
    db, as_of = stage.fresh(SUBSCRIPTIONS), due_at(DUE, SUBSCRIPTIONS)
    stage.psql(EXPLAIN.format(db=db), db)
    for command in 'plan', 'run', 'plan':
        stage.perennial(db, command, '--as-of', as_of)
    return shapes(pathlib.Path(stage.log).read_text(errors='replace'))


def finds_by(tap, found, name, *indexes):
    """Tests that a statement reads subscriptions by these indexes only, from a condition on."""
    scans = [[node for node in nodes if 'Scan' in node.kind and (node.table == 'subscription' or node.index in indexes)]
             for nodes in found[name]]
    tap.ok(scans and all(nodes and all(node.index in indexes and 'bucket' in node.condition for node in nodes)
                         for nodes in scans), f'{name} finds rows by {" and ".join(indexes)}',
           lambda: [str(node) for nodes in scans for node in nodes][:9] or 'it was not sent')


def never(tap, found, name, kind):
    seen = [str(node) for nodes in found[name] for node in nodes if kind in node.kind]
    tap.ok(found[name] and not seen, f'{name} needs no {kind}', seen[:5])


def reads_nothing_in_vain(tap, found, name):
    removed = [str(node) for nodes in found[name] for node in nodes if node.table == 'subscription' and node.removed]
    tap.ok(found[name] and not removed, f'{name} reads no subscription in vain', removed[:5])


def plan_shapes(tap, stage):
    found = plans(stage)
    finds_by(tap, found, 'claim', 'subscription_due')
    never(tap, found, 'claim', 'Sort')
    # It would be built anew for each claim.
    never(tap, found, 'claim', 'Hash')
    reads_nothing_in_vain(tap, found, 'claim')
    finds_by(tap, found, 'work_buckets', 'subscription_due')
    finds_by(tap, found, 'next_due', 'subscription_due')
    finds_by(tap, found, 'count_due', 'subscription_due', 'subscription_held')
    finds_by(tap, found, 'write_state', 'subscription_pkey')


# What a session of customers' and of consumers' asks first, while next to nothing was written yet.
FIRST_CALLS = """
SELECT perennial.put_account({id}, 'online', 'A', 'a@example.com', NULL, 'en');
SELECT perennial.subscribe({id}, 1, 1, 'UTC');
SELECT perennial.start_trial({id}, 1, 1, 14, 'UTC', false);
SELECT * FROM perennial.subscriptions_of({id});
SELECT perennial.clear_billing_info({id}, {id});
SELECT perennial.set_billing_info({id}, {id});
SELECT perennial.schedule_change({id}, {id}, NULL, 2);
SELECT perennial.cancel({id}, {id});
SELECT perennial.withdraw_cancellation({id}, {id});
SELECT perennial.fail_job(bucket, job_id, token, 'no') FROM perennial.take_jobs(1, '1 min');
SELECT perennial.complete_job(bucket, job_id, token) FROM perennial.take_jobs(1, '1 min');
SELECT pg_stat_force_next_flush();
"""
SCANS = "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE schemaname = 'perennial' AND relname = ANY " \
    "('{account,subscription,outcome,event,notification_job}') ORDER BY relname"


def customers_scan_nothing(tap, stage):
    """The plans of those first calls are kept: they have to be good for tables that have grown."""
    db = stage.fresh(SUBSCRIPTIONS)
    id = stage.value("SELECT min(subscription_id) FROM perennial.subscription WHERE status = 'active' "
                     'AND billing_info_at IS NOT NULL', db)
    stage.psql("SELECT setval(pg_get_serial_sequence('perennial.subscription', 'subscription_id'), 1000000)", db)
    before = stage.psql(SCANS, db)
    stage.psql(FIRST_CALLS.format(id=id), db)
    after = stage.psql(SCANS, db)
    tap.ok(len(after) == 5 and after == before, 'what customers and consumers call first reads no table as a whole',
           [before, after])


def main():
    tap = Tap()
    bench_is_honest(tap)
    refused(tap)
    with Stage(**SMALL_SETTINGS) as stage:
        rows_are_due(tap, stage)
        plan_shapes(tap, stage)
        customers_scan_nothing(tap, stage)
    bench_works(tap)
    tap.done()


main()
