#!/usr/bin/python3
"""mutants_test: takes the guards out of the program one by one; the guards' tests have to notice each.

It builds copies of the source, and runs guards_test.py with each.  PERENNIAL_FAULTS, the program of make BUILD=faults,
lends its objects, so that only what is changed is compiled.  mutants_test.py NAME ... tries those of these names.
"""

import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the checkout stays clean

from harness import Cluster, Tap  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
COPIED = 'src', 'include', 'sql', 'conf', 'systemd', 'Makefile'

# Without what an enclosing make wants of its own children.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'MAKEOVERRIDES')}

LOCK = 'FOR NO KEY UPDATE OF s SKIP LOCKED'

# Name, file, text that occurs in it once, what stands there instead, and the guard of guards_test.py that goes red.
MUTANTS = (
    ('the claim locks no row', 'sql/query/claim.sql', LOCK, '', 'locks'),
    ('the claim waits for locks', 'sql/query/claim.sql', ' SKIP LOCKED', '', 'locks'),
    ('the claim of one subscription locks no row', 'sql/query/claim_one.sql', LOCK, '', 'locks'),
    ('a row that is looked at alone is not locked', 'sql/query/lock_next.sql', LOCK, '', 'lock_alone'),
    ('the lock of a row that is looked at alone is not kept', 'sql/query/lock_next.sql', LOCK, '', 'lock_stays'),
    ('a refused row is undone with its lock', 'sql/query/undo_row.sql', 'ROLLBACK TO SAVEPOINT one_row', 'ROLLBACK',
     'lock_stays'),

    ('outcomes have no key', 'sql/schema/0004_history.sql', 'PRIMARY KEY (bucket, subscription_id, period_end)',
     'PRIMARY KEY (bucket, subscription_id, period_end, outcome_id)', 'keys'),
    ('jobs have no key', 'sql/schema/0004_history.sql', 'UNIQUE (bucket, subscription_id, kind, boundary, event_id)',
     'UNIQUE (bucket, subscription_id, kind, boundary, event_id, job_id)', 'job_key'),
    ('events have no key', 'sql/schema/0004_history.sql', 'PRIMARY KEY (bucket, subscription_id, revision)',
     'PRIMARY KEY (bucket, subscription_id, revision, event_id)', 'event_key'),

    ('the command tag of COMMIT is not looked at', 'src/db/conn.c', 'strcmp(rows_tag(rows), "COMMIT") == 0',
     'rows != NULL', 'aborted_commit'),
    ('a ROLLBACK for a COMMIT ends the run', 'src/db/conn.c',
     'rows_tag(rows));\n\t\terr->fault = FAULT_RETRY;', 'rows_tag(rows));', 'aborted_commit'),
    ('a lost COMMIT counts as rolled back', 'src/db/conn.c', 'err->fault = FAULT_UNKNOWN;',
     'err->fault = FAULT_ENVIRONMENT;', 'lost_answer'),
    ('the place moves before the COMMIT', 'src/run/batch.c', '\tif (!conn_commit(conn, err))',
     '\tbatch->next = *at;\n\tif (!conn_commit(conn, err))', 'aborted_commit'),
    ('what was decided before a lost COMMIT is written again', 'src/run/batch.c', 'may_go_on(batch, err) && commit(batch, conn, at, err);',
     '(commit(batch, conn, at, err) || (err->fault == FAULT_UNKNOWN && conn_reopen(conn, err) &&'
     ' writeset_write(&batch->set, conn, err) && commit(batch, conn, at, err)));', 'changed_meanwhile'),
    ('a connection that was lost is not opened again', 'src/run/recovery.c', '|| conn_reopen(conn, err)', '|| lost',
     'lost_commit'),
    ('a fault of the environment ends the run', 'src/run/recovery.c', 'err->fault != FAULT_BUG &&',
     'err->fault < FAULT_ENVIRONMENT && err->fault != FAULT_BUG &&', 'lost_commit'),

    ('claims that were perhaps committed are given back', 'src/run/worker.c', 'err->fault == FAULT_UNKNOWN ? w->batch.seen : 0',
     '0', 'lost_answer'),
    ('claims that were not seen count as used', 'src/run/worker.c', 'err->fault == FAULT_UNKNOWN ? w->batch.seen : 0',
     'err->fault == FAULT_UNKNOWN ? granted : 0', 'lost_commit'),
    ('claims that were rolled back are not given back', 'src/run/worker.c', 'err->fault == FAULT_UNKNOWN ? w->batch.seen : 0',
     'granted', 'aborted_commit'),
    ('claims that were not needed are not given back', 'src/run/worker.c',
     'tally_settle(tally, granted, (int)w->batch.done.claimed);', 'tally_settle(tally, granted, granted);', 'limit'),
    ('holds that were perhaps committed are given back', 'src/run/batch.c', 'err->fault != FAULT_UNKNOWN',
     'err->fault <= FAULT_UNKNOWN', 'lost_answer'),
    ('holds of refused rows that were perhaps committed are given back', 'src/run/batch.c',
     'err->fault != FAULT_UNKNOWN', 'err->fault <= FAULT_UNKNOWN', 'lost_hold'),
    ('holds that were rolled back are not given back', 'src/run/tally.c', 'tally->refused -= rows;',
     'tally->refused -= 0 * rows;', 'aborted_commit'),
    ('holds of refused rows that were rolled back are not given back', 'src/run/tally.c', 'tally->refused -= rows;',
     'tally->refused -= 0 * rows;', 'lost_hold'),
    ('a hold that is refused, and written in another way, counts twice', 'src/run/batch.c',
     'give_back(batch);\n\tbatch->done', 'batch->done', 'refused_hold'),
    ('a row that fails counts in each pass', 'src/run/tally.c', 'tally->refused -= tally->failing.rows;',
     'tally->refused -= 0;', 'failing'),

    ('no count is checked', 'src/db/writeset.c', 'return written == decided ||', 'return true ||', 'counts'),
    ('the count of rows is not checked', 'src/db/writeset.c',
     'check_count("rows", rows_affected(call[0].rows), set->claimed, err) &&', '', 'counts'),
    ('the count of outcomes is not checked', 'src/db/writeset.c',
     'check_count("outcomes", rows_affected(call[1].rows), set->closed, err) &&', '', 'counts'),
    ('the count of holds is not checked', 'src/db/writeset.c',
     'check_count("holds", rows_affected(call[3].rows), set->held, err)', 'true', 'counts'),
    ('the count of totals is not checked', 'src/db/writeset.c',
     'check_count("totals", rows_int8(rows, 0, 1), set->totals.lines, err)', 'set->totals.lines >= 0', 'counts'),
    ('the count of batches is not checked', 'src/db/writeset.c',
     'check_count("batches", rows_int8(rows, 0, 0), 1, err) &&', '', 'counted_hold'),
    ('the hold of a refused row is not counted', 'src/db/writeset.c',
     'check_count("holds", rows_affected(call[0].rows), 1, err)', 'true', 'counted_hold'),

    ('there is one pass', 'src/run/crew.c', 'crew->tally.done.batches > before', 'crew->tally.done.batches < before',
     'passes'),
    ('a row that fails is not stepped past', 'src/run/batch.c', 'batch->next = *at;\n\treturn tally_fail',
     'return tally_fail', 'failing'),
    ('a transaction that failed is left open', 'src/run/batch.c', 'conn_rollback(conn);\n\t} else',
     '(void)conn;\n\t} else', 'failing'),
    ('a refused row is not held', 'src/run/batch.c', 'refusal.fault != FAULT_ROW', 'refusal.fault != FAULT_BUG',
     'late'),
    ('what is deferred speaks at the COMMIT', 'src/run/batch.c', 'conn_execute(conn, QUERY_CHECK_NOW, NULL, err)',
     'true', 'late'),
    ('a serialization failure is the row\'s', 'src/db/sqlstate.c', '"40001", { FAULT_RETRY', '"40001", { FAULT_ROW',
     'transient'),
    ('a deadlock is the row\'s', 'src/db/sqlstate.c', '"40P01", { FAULT_RETRY', '"40P01", { FAULT_ROW', 'transient'),
    ('a full disk is the row\'s', 'src/db/sqlstate.c', '"53", { FAULT_ENVIRONMENT', '"53", { FAULT_ROW', 'transient'),
    ('a timeout is the row\'s', 'src/db/sqlstate.c', '"57014", { FAULT_SHRINK', '"57014", { FAULT_ROW', 'transient'),
)


def copy_of(tree, folder):
    """A copy with the times of its files, by which make knows that the objects are up to date."""
    for name in (*COPIED, 'build/faults'):
        if os.path.isdir(tree / name):
            shutil.copytree(tree / name, folder / name)
        elif os.path.exists(tree / name):
            shutil.copy2(tree / name, folder / name)
    return folder


def build(folder):
    """Builds with the flags that the objects were built with; what the compiler says where it fails."""
    flags = folder / 'build/faults/flags'
    werror = '-Werror' if flags.exists() and ' -Werror ' in flags.read_text() else ''
    done = subprocess.run(['make', '-s', 'BUILD=faults', f'WERROR={werror}'], cwd=folder, env=ENVIRONMENT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return '' if done.returncode == 0 else done.stdout


def guards(folder, server, *names):
    """Runs the guards' tests with the program of a copy: the exit code, and what they say."""
    env = {**os.environ, 'PERENNIAL': str(folder / 'build/faults/perennial'), 'PERENNIAL_SERVER_FOLDER': server}
    done = subprocess.run([HERE / 'guards_test.py', *names], env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.splitlines()


def is_noticed(base, server, mutant):
    """Whether a mutant's guard goes red, and what there is to say otherwise."""
    _, file, text, instead, guard = mutant
    with tempfile.TemporaryDirectory(prefix='perennial_') as folder:
        tree = copy_of(base, pathlib.Path(folder))
        source = (tree / file).read_text()
        if source.count(text) != 1:
            return False, [f'{file} has this {source.count(text)} times: {text}']
        (tree / file).write_text(source.replace(text, instead))
        said = build(tree)
        if said:
            return False, said.splitlines()
        code, lines = guards(tree, server, guard)
        # A test that breaks off has noticed nothing.
        return code == 1 and lines[-1].startswith('1..') and any(line.startswith('not ok') for line in lines), lines


def main():
    tap = Tap()
    faults = os.environ.get('PERENNIAL_FAULTS')
    if not faults:
        print('1..0 # SKIP PERENNIAL_FAULTS, the program of make BUILD=faults, is not given')
        return
    chosen = [mutant for mutant in MUTANTS if mutant[0] in sys.argv[1:] or not sys.argv[1:]]
    with Cluster() as cluster, tempfile.TemporaryDirectory(prefix='perennial_') as folder, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        base = copy_of(SOURCE, pathlib.Path(folder))
        said = build(base)
        tap.ok(not said, 'a copy can be built', said)
        code, lines = guards(base, cluster.folder, *sorted({mutant[-1] for mutant in chosen}))
        tap.ok(code == 0 and 'not ok' not in '\n'.join(lines), 'with all guards, nothing is wrong', lines)
        for mutant, (noticed, lines) in zip(chosen, pool.map(lambda m: is_noticed(base, cluster.folder, m), chosen)):
            tap.ok(noticed, f'{mutant[-1]} notices: {mutant[0]}', lines)
    tap.done()


main()
