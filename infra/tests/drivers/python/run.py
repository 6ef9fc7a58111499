"""Runs script.json through the stock Python driver and prints one JSON line per step.

usage: run.py --host H --port P --protocol 4|5 --script script.json
The lines are described in ../CANONICAL.md.
"""
import argparse
import hashlib
import json
import re
import sys
import time

import cassandra
from cassandra import InvalidRequest, protocol
from cassandra.cluster import Cluster, ExecutionProfile, EXEC_PROFILE_DEFAULT
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import FallthroughRetryPolicy, WhiteListRoundRobinPolicy
from cassandra.query import BatchStatement, BatchType, SimpleStatement, tuple_factory

from canonical import canonical, parameter

BATCHES = {
    "logged": BatchType.LOGGED,
    "unlogged": BatchType.UNLOGGED,
    "counter": BatchType.COUNTER,
}


def error_name(error):
    if isinstance(error, cassandra.AlreadyExists):
        return "AlreadyExists"
    if isinstance(error, protocol.SyntaxException):
        return "Syntax"
    if isinstance(error, protocol.ConfigurationException):
        return "Config"
    if isinstance(error, InvalidRequest):
        return "Invalid"
    if isinstance(error, cassandra.Unauthorized):
        return "Unauthorized"
    return type(error).__name__


def message(error):
    """What the server said, without what the driver wraps it in."""
    wrapped = re.search(r'message="(.*)"', str(error), re.DOTALL)
    return wrapped.group(1) if wrapped else str(error)


def connect(arguments):
    profile = ExecutionProfile(
        load_balancing_policy=WhiteListRoundRobinPolicy([arguments.host]),
        retry_policy=FallthroughRetryPolicy(),
        request_timeout=60,
        row_factory=tuple_factory,
    )
    cluster = Cluster(
        [arguments.host],
        port=arguments.port,
        protocol_version=arguments.protocol,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
    )
    session = cluster.connect()
    negotiated = cluster.protocol_version
    if negotiated != arguments.protocol:
        sys.exit(f"the server speaks version {negotiated}, not {arguments.protocol}")
    return cluster, session


class Runner:
    def __init__(self, session):
        self.session = session

    def values(self, parameters, turn=0):
        return [parameter(kind, value, turn) for kind, value in parameters]

    def execute(self, step):
        if "sleep_ms" in step:
            time.sleep(step["sleep_ms"] / 1000)
            return {"void": True}
        if "batch" in step:
            return self.shown(step, self.session.execute(self.batch(step)))
        if not step.get("prepared"):
            statement = SimpleStatement(step["cql"], fetch_size=step.get("page_size", 5000))
            return self.shown(step, self.session.execute(statement))
        statement = self.session.prepare(step["cql"])
        statement.fetch_size = step.get("page_size", 5000)
        if "repeat" in step:
            turns = (self.values(step["params"], turn) for turn in range(step["repeat"]))
            execute_concurrent_with_args(self.session, statement, turns, concurrency=64)
            return {"void": True}
        return self.shown(step, self.session.execute(statement, self.values(step["params"])))

    def batch(self, step):
        batch = BatchStatement(BATCHES[step["batch"]])
        for part in step["statements"]:
            batch.add(self.session.prepare(part["cql"]), self.values(part["params"]))
        return batch

    def shown(self, step, result):
        names, kinds = result.column_names, result.column_types
        if names is None:
            return {"void": True}
        rows, pages = [], 1
        while True:
            rows += [list(map(canonical, kinds, row)) for row in result.current_rows]
            if not result.has_more_pages:
                break
            result.fetch_next_page()
            pages += 1
        if not step.get("summary"):
            return {"columns": list(names), "rows": rows}
        digest = hashlib.sha256()
        for row in rows:
            digest.update(("|".join(row) + "\n").encode())
        return {"count": len(rows), "pages": pages, "sha256": digest.hexdigest()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--protocol", type=int, choices=(4, 5), required=True)
    parser.add_argument("--script", required=True)
    arguments = parser.parse_args()
    cluster, session = connect(arguments)
    runner = Runner(session)
    with open(arguments.script, encoding="utf-8") as file:
        steps = json.load(file)
    for step in steps:
        try:
            outcome = runner.execute(step)
        except Exception as error:  # every failure is an outcome to compare
            outcome = {"error": error_name(error), "message": message(error)}
        print(json.dumps({"name": step["name"], **outcome}, ensure_ascii=False), flush=True)
    cluster.shutdown()


main()
