"""proxy: stands between a program and a server, and breaks connections where it hurts most, around COMMIT.

It follows the messages of PostgreSQL's protocol 3.  What a client sends up to a Sync or a simple query is one exchange,
forwarded as a whole; so is the packet that begins a session.  Exchanges are counted over all connections, and so are
those that execute COMMIT.  Each meets the fault that the test chose for its number:

before, before_commit   it does not reach the server, and both sides lose their connection
after, after_commit     the server has answered, and both sides lose their connection before the client hears of it
blackhole_before        as before, but the connections stay open and silent
blackhole_after         as after, but the connections stay open and silent
orphan                  as before, but only the client loses its connection: the server's session stays, with its locks
abort_commit            a statement that fails comes before the COMMIT, so that the server answers it with ROLLBACK

Where both sides lose their connection the client hears of it when the server's session has ended.
Besides, bytes=… cuts connections after so many bytes, wherever that is.
"""

import collections
import contextlib
import random
import re
import select
import shutil
import socket
import struct
import tempfile
import threading

FAULTS = ('before', 'before_commit', 'after', 'after_commit', 'blackhole_before', 'blackhole_after', 'orphan',
          'abort_commit')


def at(number, fault):
    """Chooses a fault for one number, or for each of these."""
    numbers = {number} if isinstance(number, int) else set(number)
    return lambda n: fault if n in numbers else None


def growing(number, first=2000, factor=1.4):
    """Distances in bytes between random cuts, for bytes=….  They grow without end, so that a run gets through."""
    chance, most = random.Random(number), first
    while True:
        yield chance.randrange(1, int(most))
        most *= factor


class Cut(Exception):
    """The connection is to be closed on both sides."""


class Silence(Exception):
    """The connection is to stay open, and nothing goes through any more."""


class Orphan(Exception):
    """The connection to the client is to be closed, and that to the server stays open."""


class Stream:
    """Bytes of one direction, cut into messages (type, bytes with their header).  A startup packet has no type."""

    def __init__(self, starts_up):
        self.starts_up = starts_up
        self.bytes = b''

    def add(self, data):
        self.bytes += data

    def __iter__(self):
        while (message := self._next()) is not None:
            yield message

    def _next(self):
        head = 0 if self.starts_up else 1
        if len(self.bytes) < head + 4:
            return None
        end = head + struct.unpack_from('!i', self.bytes, head)[0]
        if len(self.bytes) < end:
            return None
        kind = '' if self.starts_up else chr(self.bytes[0])
        message, self.bytes, self.starts_up = self.bytes[:end], self.bytes[end:], False
        return kind, message


def texts(message, count):
    """The zero-terminated texts that a message begins with."""
    return message[5:].split(b'\0')[:count]


def is_commit(statement):
    return re.fullmatch(rb'(?i)\s*(--[^\n]*\n\s*)*(commit|end)\s*;?\s*', statement) is not None


class Connection:
    """One client's connection and the one to the server that belongs to it.  A thread of its own runs it."""

    def __init__(self, proxy, client):
        self.proxy, self.client = proxy, client
        self.server = socket.socket(socket.AF_UNIX)
        self.from_client = Stream(True)
        self.exchange = []     # messages of the client that were not forwarded yet
        self.commits = set()   # names of prepared statements that are a COMMIT
        self.portal = {}       # name of a portal: name of its statement

    def run(self):
        try:
            self.server.connect(self.proxy.server)
            while True:
                self._forward()
        except Silence:
            return  # the proxy's end closes the sockets
        except Orphan:
            self.client.close()
        # The proxy's end closes sockets under this thread: they have no number then.
        except (Cut, OSError, ValueError):
            self._await_end_of_session()
            self.close()

    def _await_end_of_session(self):
        """Takes leave of the server, and reads until it hangs up: its locks are free then."""
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_WR)
            while self.server.recv(65536):
                pass

    def close(self):
        for end in self.client, self.server:
            # close() alone is not seen by another thread that reads.
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _forward(self):
        for end in select.select([self.client, self.server], [], [])[0]:
            data = end.recv(65536)
            if not data:
                raise Cut
            if end is self.server:
                self._send(self.client, data)
            else:
                self._client_sent(data)

    def _send(self, end, data):
        """Forwards what the distance to the next cut by bytes lets through."""
        through = self.proxy.spend(len(data))
        end.sendall(data[:through])
        if through < len(data):
            raise Cut

    def _client_sent(self, data):
        self.from_client.add(data)
        for kind, message in self.from_client:
            self.exchange.append((kind, message))
            # What an answer may be waited for: a startup packet, Sync, Query, Flush, a password, the parts of a COPY.
            # Terminate is not forwarded: to hang up says the same.
            if kind in ('', *'SQHpdcf'):
                self._exchange_complete()

    def _exchange_complete(self):
        exchange, self.exchange = self.exchange, []
        data = b''.join(message for _, message in exchange)
        # Not a generator: the names of statements must be followed in all messages.
        commits = any([self._commits(kind, message) for kind, message in exchange])
        alone = sum(kind in ('E', 'Q') for kind, _ in exchange) == 1
        fault = self.proxy.passes(commits, alone)
        if fault == 'abort_commit':
            self._abort()
        if 'before' in fault or fault == 'orphan':
            self._stop(fault)
        self._send(self.server, data)
        if 'after' in fault:
            self._swallow_answer()
            self._stop(fault)

    def _commits(self, kind, message):
        """Whether this message executes COMMIT."""
        if kind == 'P':
            name, statement = texts(message, 2)
            (self.commits.add if is_commit(statement) else self.commits.discard)(name)
        elif kind == 'B':
            portal, name = texts(message, 2)
            self.portal[portal] = name
        elif kind == 'E':
            return self.portal.get(texts(message, 1)[0]) in self.commits
        return kind == 'Q' and is_commit(texts(message, 1)[0])

    @staticmethod
    def _stop(fault):
        raise Orphan if fault == 'orphan' else Silence if fault.startswith('blackhole') else Cut

    def _abort(self):
        """Fails the transaction behind the client's back: its answers were all seen, as it sends COMMIT alone."""
        statement = b'SELECT 1/0\0'
        self.server.sendall(b'Q' + struct.pack('!i', 4 + len(statement)) + statement)
        self._swallow_answer()

    def _swallow_answer(self):
        """Reads what the server says until it is ready for more; the client sees none of it."""
        answer = Stream(False)
        while True:
            data = self.server.recv(65536)
            if not data:
                raise Cut
            answer.add(data)
            if 'Z' in [kind for kind, _ in answer]:
                return


class Proxy:
    """Listens in a folder of its own, as the server of the given socket folder; for a with block.

    choose: a function of a COMMIT's number, from 1, to the fault that it meets, or None.  It is called from several
    threads, one at a time.
    bytes: distances between cuts, counted over all that goes through.
    choose_exchange: as choose, for the number of any exchange.
    done: how many connections, exchanges, COMMITs, COMMITs accompanied by other statements, and faults of each kind
    there were.
    """

    def __init__(self, server_folder, choose=lambda n: None, bytes=(), choose_exchange=lambda n: None):
        self.server = f'{server_folder}/.s.PGSQL.5432'
        self.choose, self.choose_exchange = choose, choose_exchange
        self.distances = iter(bytes)
        self.distance = next(self.distances, None)
        self.done = collections.Counter()
        self.lock = threading.Lock()
        self.connections = []

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix='perennial_proxy_')
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(f'{self.folder}/.s.PGSQL.5432')
        self.socket.listen(64)
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.connections:
            connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def conninfo(self, db, role='postgres'):
        """How the program reaches a database through the proxy."""
        return f'host={self.folder} dbname={db} user={role} sslmode=disable gssencmode=disable'

    def _listen(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            connection = Connection(self, client)
            self.connections.append(connection)
            self.done['connections'] += 1
            threading.Thread(target=connection.run, daemon=True).start()

    def passes(self, commits, alone):
        """Counts an exchange; the fault that it meets, or an empty text."""
        with self.lock:
            self.done['exchanges'] += 1
            fault = self.choose_exchange(self.done['exchanges'])
            if commits:
                self.done['commits'] += 1
                self.done['accompanied'] += not alone
                fault = self.choose(self.done['commits']) or fault
            if fault is None:
                return ''
            if fault not in FAULTS:
                raise ValueError(f'there is no fault {fault}')
            self.done[fault] += 1
            return fault

    def spend(self, size):
        """How many of so many bytes may go through: fewer than all before a cut."""
        with self.lock:
            if self.distance is None or size <= self.distance:
                if self.distance is not None:
                    self.distance -= size
                return size
            through, self.distance = self.distance, next(self.distances, None)
            self.done['cuts'] += 1
            return through
