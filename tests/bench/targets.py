"""targets: what is wanted of each figure, and how what was measured compares."""

from contenders import Limit, Ours, Procedure, RowByRow

ONE, TWO, LIMIT, PEER = Ours(1).name, Ours(2).name, Limit().name, Procedure(2).name


class Target:
    """What is wanted at most; of(found) is what was measured.  needs names the parts that it is found in."""

    def __init__(self, name, most, of, *needs, unit=''):
        self.name, self.most, self.of, self.needs, self.unit = name, most, of, needs, unit

    def against(self, found):
        """Beside what was measured; None where it was not."""
        if any(part not in found for part in self.needs):
            return None
        measured = self.of(found)
        return {'target': self.name, 'at_most': self.most, 'measured': measured, 'unit': self.unit,
                'met': measured <= self.most}


def ratio(name, other):
    def of(found):
        contenders = found['contest']['contenders']
        return contenders[name]['seconds'] / contenders[other]['seconds']
    return of


def spread(part, least=0):
    """How much more than the cheapest the dearest row takes, of the cases from so many on; a short form has fewer."""
    def of(found):
        counts = [case for name, case in found[part].items() if name >= min(least, max(found[part]))]
        a_row = [case['seconds'] / case['due'] for case in counts]
        return max(a_row) / min(a_row)
    return of


def peak(found):
    """The most memory that any run of ours had."""
    cases = [case for part in ('by_due', 'by_total', 'by_batch_size', 'by_workers') for case in found[part].values()]
    return max(case['mib'] for case in cases + [found['contest']['contenders'][name] for name in (ONE, TWO)])


def customers(run):
    return lambda found: found['gentle'][run]['p99_ms'] / found['gentle']['idle']['p99_ms']


def pace(found):
    held_back = found['gentle']['held back']
    return held_back['rows_per_second'] / held_back['allowed']


TARGETS = [
    Target('one worker / the limit', 0.9, ratio(ONE, LIMIT), 'contest'),
    Target('two workers / the limit', 0.5, ratio(TWO, LIMIT), 'contest'),
    Target('two workers / two sessions of the procedure', 0.7, ratio(TWO, PEER), 'contest'),
    Target('one worker / row by row', 1 / 20, ratio(ONE, RowByRow().name), 'contest'),
    Target('most memory of a run', 24, peak, 'contest', 'by_due', 'by_total', 'by_batch_size', 'by_workers',
           unit='MiB'),
    Target('a due row, dearest / cheapest, from 10,000 due on', 1.15, spread('by_due', 10_000), 'by_due'),
    Target('a due row, dearest / cheapest, whatever the total', 1.30, spread('by_total'), 'by_total'),
    Target('nothing due / psql -c "SELECT 1"', 3, lambda found: found['idle']['run'] / found['idle']['psql'], 'idle'),
    Target('a thousandth due, over nothing due', 150,
           lambda found: 1000 * (found['idle']['few'] - found['idle']['run']), 'idle', unit='ms'),
    Target('plan / one worker', 0.5, ratio('plan', ONE), 'contest'),
    Target("customers' 99th percentile, one worker / idle", 3, customers(ONE), 'gentle'),
    Target("customers' 99th percentile, two workers / idle", 3, customers(TWO), 'gentle'),
    Target("customers' 99th percentile, held back / idle", 3, customers('held back'), 'gentle'),
    Target('held back, rows a second / run.max_rows_per_second', 1.1, pace, 'gentle'),
    Target('held snapshot, last tenth of the claims / first', 3,
           lambda found: found['snapshot']['us_a_row'][-1] / found['snapshot']['us_a_row'][0], 'snapshot'),
]
