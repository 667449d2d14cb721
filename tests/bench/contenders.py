"""contenders: the ways in which the same work is done, and a comparison of what they leave behind."""

from stage import HERE, LEFT_OUT, timed

# Without the lines that tell what is put in.
BY_HAND = '\n'.join(line for line in (HERE / 'by_hand.sql').read_text().splitlines() if not line.startswith('--'))

# What a good hand would set for its one statement: hashes that fit into memory, and nothing compiled for it.
BEST = "SET jit = off;\nSET work_mem = '512MB';\n"
BATCH = 1000


def statement(claim, result, as_of, run_id):
    return BY_HAND.format(claim=claim, result=result, as_of=as_of, run_id=run_id)


def start_row(stage, db, as_of):
    """A row for what they do; the program writes its own."""
    return stage.value("INSERT INTO perennial.run (as_of, finished_at, result, exit_code) "
                       f"VALUES ('{as_of}', now(), 'done', 0) RETURNING run_id", db)


class Contender:
    """prepare() is not measured, run() is."""

    def __init__(self, name):
        self.name = name

    def prepare(self, stage, db, as_of):
        pass

    def run(self, stage, db, as_of):
        raise NotImplementedError


class Ours(Contender):
    """The program with so many workers, and no more rows a second than are allowed."""

    def __init__(self, workers, batch_size=BATCH, allowed=0):
        super().__init__(f'run, {workers} worker{"s" * (workers > 1)}' + f', {allowed} rows/s' * (allowed > 0))
        self.options = ['--workers', workers, '--batch-size', batch_size]
        self.config = f'run: {{ max_rows_per_second = {allowed}; }};'

    def run(self, stage, db, as_of):
        return stage.perennial(db, 'run', '--as-of', as_of, *self.options, config=self.config)


class Limit(Contender):
    """All of it in one statement: what the server can do at best."""

    def __init__(self):
        super().__init__('the limit: one statement')

    def prepare(self, stage, db, as_of):
        run_id = start_row(stage, db, as_of)
        self.script = BEST + statement('', 'count(*)', f"timestamptz '{as_of}'", run_id)

    def run(self, stage, db, as_of):
        return timed(stage.psql_command(db, '-f', '-'), input=self.script)


class Procedure(Contender):
    """Batches with a COMMIT after each, in so many sessions, each with buckets of its own."""

    CLAIM = """AND s.bucket <= run.last_bucket
	AND (s.bucket, s.period_end, s.subscription_id) > (last.bucket, last.period_end, last.subscription_id)
	ORDER BY s.bucket, s.period_end, s.subscription_id
	LIMIT run.most"""
    RESULT = """count(*) OVER (), d.bucket, d.period_end, d.subscription_id
INTO last.claimed, last.bucket, last.period_end, last.subscription_id"""
    LAST = '\nORDER BY d.bucket DESC, d.period_end DESC, d.subscription_id DESC\nLIMIT 1'

    def __init__(self, sessions, batch_size=BATCH):
        super().__init__(f'the procedure, {sessions} session{"s" * (sessions > 1)}')
        self.sessions, self.batch_size = sessions, batch_size

    def prepare(self, stage, db, as_of):
        text = statement(self.CLAIM, self.RESULT, 'run.as_of', 'run.run_id') + self.LAST
        stage.psql((HERE / 'procedure.sql').read_text().format(statement=text), db)
        run_id = start_row(stage, db, as_of)
        ends = [256 * i // self.sessions for i in range(self.sessions + 1)]
        self.calls = [
            f"CALL bench.run({run_id}, '{as_of}', {first}::smallint, {last - 1}::smallint, {self.batch_size})"
            for first, last in zip(ends, ends[1:])]

    def run(self, stage, db, as_of):
        return timed(*[stage.psql_command(db, '-c', BEST, '-c', call) for call in self.calls])


class RowByRow(Contender):
    """A transaction for each subscription: lock it, decide and write, commit.  Of a sample, for it takes long."""

    def __init__(self, sample=None):
        super().__init__('row by row')
        self.sample = sample

    def prepare(self, stage, db, as_of):
        run_id = start_row(stage, db, as_of)
        due = f"status <> 'expired' AND hold_reason IS NULL AND period_end <= '{as_of}'"
        rows = stage.psql(f'SELECT bucket, subscription_id FROM perennial.subscription WHERE {due} '
                          f'ORDER BY period_end LIMIT {self.sample or "ALL"}', db)
        one = 'AND s.bucket = $1 AND s.subscription_id = $2'
        write = statement(one, 'count(*)', f"timestamptz '{as_of}'", run_id)
        self.rows = len(rows)
        self.script = f"""SET plan_cache_mode = force_generic_plan;
            PREPARE lock (smallint, bigint) AS SELECT * FROM perennial.subscription
            WHERE {due} AND bucket = $1 AND subscription_id = $2 FOR NO KEY UPDATE;
            PREPARE write (smallint, bigint) AS {write};
            """ + ''.join(f'BEGIN;\nEXECUTE lock({bucket}, {id});\nEXECUTE write({bucket}, {id});\nCOMMIT;\n'
                          for bucket, id in rows)

    def run(self, stage, db, as_of):
        return timed(stage.psql_command(db, '-f', '-'), input=self.script)


# What they leave behind, but for ids and clocks; how rows are divided into transactions is left to each.
LEFT_BEHIND = {
    **{table: f"SELECT to_jsonb(t) - '{{{','.join(left_out)}}}'::text[] AS row FROM perennial.{table} t"
       for table, left_out in LEFT_OUT.items()},
    'batch': 'SELECT to_jsonb(t) AS row FROM (SELECT bucket, sum(claimed) AS claimed, sum(held) AS held, '
             'sum(continued) AS continued FROM perennial.batch GROUP BY bucket) AS t',
    'batch_total': 'SELECT to_jsonb(t) AS row FROM (SELECT bucket, kind, currency, '
                   'sum(subscriptions) AS subscriptions, sum(amount) AS amount '
                   'FROM perennial.batch_total GROUP BY bucket, kind, currency) AS t',
}


def left_behind(stage, db):
    """For each table how many rows, and a number that differs where one of them does."""
    return {table: stage.psql('SELECT count(*), coalesce(sum(hashtextextended(row::text, 0)::numeric), 0) '
                              f'FROM ({rows}) AS t', db)[0] for table, rows in LEFT_BEHIND.items()}
