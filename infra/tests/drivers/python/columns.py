# Writes and reads a table through the stock Python driver with prepared statements while a column
# is dropped and added again, until a line comes on standard input; see ../COLUMNS.md.
#
# usage: columns.py --hosts H:P,H:P --state FILE [--alter SECONDS]
# With --alter it is the one that alters: it makes the table and says in FILE how it stands.
import argparse
import collections
import json
import os
import random
import sys
import threading
import time

from cassandra import InvalidRequest
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import FallthroughRetryPolicy, RoundRobinPolicy

WORKERS, ROWS, SLOW_US = 4, 500, 10_000_000
TYPES = ["ascii", "text", "blob", "blob"]
CREATE = [
    "CREATE KEYSPACE IF NOT EXISTS columns WITH replication = "
    "{'class': 'NetworkTopologyStrategy', 'dc1': 1}",
    "CREATE TABLE IF NOT EXISTS columns.t (id text PRIMARY KEY, a text, z text)",
]


def now():
    return time.time_ns() // 1000


def alter(session, options, stopped):
    """Each column is added with each type in order and dropped after each."""
    told = {"column": "c0", "epoch": 0, "there": False, "floor": 0}

    def tell(**changes):
        told.update(changes, epoch=told["epoch"] + 1)
        with open(options.state + ".new", "w") as file:
            json.dump(told, file)
        os.replace(options.state + ".new", options.state)

    for statement in CREATE:
        session.execute(statement)
    tell()
    print("loading", flush=True)
    added, number = 0, 0
    while not stopped.is_set():
        column, kind = f"c{added // len(TYPES)}", TYPES[added % len(TYPES)]
        if added % len(TYPES) == 0:
            tell(column=column, floor=0)
        session.execute(f"ALTER TABLE columns.t ADD {column} {kind}")
        tell(there=True)
        stopped.wait(options.alter)
        dropped = now()
        tell(there=False)
        session.execute(f"ALTER TABLE columns.t DROP {column}")
        # Nothing written before may be seen once it is added again.
        told["floor"] = dropped
        stopped.wait(options.alter)
        added += 1
        number += 2
    return {"alters": number}


class Worker:
    """One writer of its own rows, which knows what it wrote."""

    def __init__(self, session, options, number, figures):
        self.session, self.path = session, options.state
        self.name = f"python{options.protocol}-{number}"
        self.figures, self.prepared, self.written = figures, {}, {}

    def state(self):
        with open(self.path) as file:
            return json.load(file)

    def execute(self, text, values):
        statement = self.prepared.get(text)
        if statement is None:
            statement = self.prepared[text] = self.session.prepare(text)
        kinds = [column.type.typename for column in statement.column_metadata]
        bound = [v.encode() if k == "blob" else v for k, v in zip(kinds, values)]
        self.figures["requests"] += 1
        return self.session.execute(statement, bound)

    def fault(self, text):
        self.figures["faults"][text[:300]] += 1

    def value(self, id, column):
        return f"{id}|{column}|{now()}"

    def check(self, row, began, id=None):
        """Every value says whose it is; those of this worker must be the last written."""
        row = row._asdict()
        ended = self.state()
        if id is not None and row.get("id") != id:
            self.fault(f"row {row} instead of {id}")
        last = self.written.get(row["id"], {})
        for name, value in row.items():
            if name == "id":
                continue
            if value is not None:
                value = value.decode() if isinstance(value, bytes) else value
                whose, column, written = value.split("|")
                if (whose, column) != (row["id"], name):
                    self.fault(f"{name} of {row['id']} is {value}")
                if name == began["column"] and int(written) < began["floor"] - SLOW_US:
                    self.fault(f"{name} was written before it was dropped: {value}")
            expected = last.get(name)
            if expected is None or id is None:
                continue
            epoch, text = expected
            if name in ("a", "z"):
                if value != text:
                    self.fault(f"{name} is {value}, not {text}")
            elif epoch == began["epoch"] == ended["epoch"] and began["there"] and value != text:
                self.fault(f"{name} is {value}, not {text}, without an ALTER between")
        missing = {"id", "a", "z"} - set(row)
        if id is not None and missing and "z" in last:
            self.fault(f"no {missing}")

    def kept(self, id, state, **values):
        row = self.written.setdefault(id, {})
        row.update({name: (state["epoch"], value) for name, value in values.items()})

    def write(self, id, state, column):
        a, z = self.value(id, "a"), self.value(id, "z")
        if column is None:
            self.execute("INSERT INTO columns.t (id, a, z) VALUES (?, ?, ?)", (id, a, z))
            self.kept(id, state, a=a, z=z)
            return
        c = self.value(id, column)
        self.written.get(id, {}).pop(column, None)
        text = f"INSERT INTO columns.t (id, a, {column}, z) VALUES (?, ?, ?, ?)"
        # It may have been written although it failed.
        kept = self.written.pop(id, {})
        try:
            self.execute(text, (id, a, c, z))
        except InvalidRequest:
            self.written[id] = kept
            raise
        self.kept(id, state, a=a, z=z, **{column: c})

    def turn(self):
        state, id = self.state(), f"{self.name}-{random.randrange(ROWS)}"
        column, kind = state["column"], random.randrange(6)
        try:
            if kind == 0:
                self.write(id, state, None)
            elif kind in (1, 2):
                self.write(id, state, column)
            elif kind == 3:
                for row in self.execute("SELECT * FROM columns.t WHERE id = ?", (id,)):
                    self.check(row, state, id)
            elif kind == 4:
                text = f"SELECT id, a, {column}, z FROM columns.t WHERE id = ?"
                for row in self.execute(text, (id,)):
                    self.check(row, state, id)
            else:
                rows = self.execute("SELECT * FROM columns.t LIMIT 100", ())
                for row in rows:
                    self.check(row, state)
        except InvalidRequest as error:
            # As Cassandra answers for a column that is not there.
            named = column in str(error)
            if kind in (1, 2, 4) and named:
                self.figures["refused"] += 1
                text = str(error)[-80:].replace(column, "c")
                self.figures["refusals"][text] += 1
                for text in [text for text in self.prepared if column in text]:
                    del self.prepared[text]
            else:
                self.fault(f"kind {kind}: {error}")
        except Exception as error:
            self.fault(f"kind {kind}: {type(error).__name__}: {error}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--alter", type=float)
    parser.add_argument("--protocol", type=int, default=5)
    options = parser.parse_args()
    hosts = [host.rsplit(":", 1) for host in options.hosts.split(",")]
    profile = ExecutionProfile(
        load_balancing_policy=RoundRobinPolicy(),
        retry_policy=FallthroughRetryPolicy(),
        request_timeout=60,
    )
    cluster = Cluster(
        [host for host, _ in hosts],
        port=int(hosts[0][1]),
        protocol_version=options.protocol,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
    )
    session = cluster.connect()
    session.default_fetch_size = 40
    stopped = threading.Event()
    if options.alter:
        threading.Thread(target=lambda: (sys.stdin.readline(), stopped.set())).start()
        print(json.dumps(alter(session, options, stopped)), flush=True)
        cluster.shutdown()
        return
    counted = collections.Counter
    figures = {"requests": 0, "refused": 0, "refusals": counted(), "faults": counted()}
    workers = [Worker(session, options, number, figures) for number in range(WORKERS)]

    def work(worker):
        while not stopped.is_set():
            worker.turn()
            time.sleep(0.005)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    print("loading", flush=True)
    sys.stdin.readline()
    stopped.set()
    for thread in threads:
        thread.join()
    print(json.dumps(figures), flush=True)
    cluster.shutdown()


main()
