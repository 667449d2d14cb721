"""shapes: the plans that the server made for the statements of the program, from its log."""

import json
import re

# What each statement has in its text that no other has.
STATEMENTS = {'claim': 'LIMIT $6\nFOR NO KEY UPDATE', 'work_buckets': 'GROUP BY s.bucket', 'next_due': 'period_end > $1\n',
              'count_due': ') AS due,', 'write_state': 'UPDATE perennial.subscription s', 'write_outcomes': 'WITH o AS'}

EXPLAIN = """
ALTER DATABASE {db} SET session_preload_libraries = 'auto_explain';
ALTER DATABASE {db} SET auto_explain.log_min_duration = 0;
ALTER DATABASE {db} SET auto_explain.log_format = 'json';
ALTER DATABASE {db} SET auto_explain.log_analyze = on;
"""


class Node:
    """One step of a plan."""

    def __init__(self, plan):
        self.kind, self.index, self.table = plan['Node Type'], plan.get('Index Name'), plan.get('Relation Name')
        self.condition = plan.get('Index Cond', '')
        self.removed = plan.get('Rows Removed by Filter', 0) * plan.get('Actual Loops', 1)

    def __str__(self):
        return ' '.join(filter(None, (self.kind, self.index, self.table, self.condition,
                                      f'removed {self.removed}' if self.removed else '')))


def nodes_of(plan):
    return [Node(plan)] + [node for below in plan.get('Plans', []) for node in nodes_of(below)]


def shapes(log):
    """For each statement the plans that it had, as lists of nodes."""
    found = {name: [] for name in STATEMENTS}
    for text in re.findall(r' plan:\n((?:\t.*\n)+)', log):
        told = json.loads(re.sub(r'^\t', '', text, flags=re.M), strict=False)
        for name, part in STATEMENTS.items():
            if part in told['Query Text']:
                found[name].append(nodes_of(told['Plan']))
    return found
