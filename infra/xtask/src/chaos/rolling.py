# Writes and reads through the stock Python driver with its default retries until a line comes on
# standard input; prints `loading` once it has begun and its figures as one JSON line at the end.
# Arguments: the frontends, host:port each.
import json
import sys
import threading
import time

from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import RoundRobinPolicy

CLIENTS = 8
KEYS = 10_000

hosts = [address.rsplit(":", 1) for address in sys.argv[1:]]
profile = ExecutionProfile(
    load_balancing_policy=RoundRobinPolicy(),
    consistency_level=ConsistencyLevel.LOCAL_QUORUM,
    request_timeout=60,
)
cluster = Cluster(
    [host for host, _ in hosts],
    port=int(hosts[0][1]),
    execution_profiles={EXEC_PROFILE_DEFAULT: profile},
)
session = cluster.connect()
session.execute(
    "CREATE KEYSPACE IF NOT EXISTS rolling WITH replication = "
    "{'class': 'NetworkTopologyStrategy', 'dc1': 3}"
)
session.execute("CREATE TABLE IF NOT EXISTS rolling.python (k bigint PRIMARY KEY, v bigint)")
write = session.prepare("INSERT INTO rolling.python (k, v) VALUES (?, ?)")
read = session.prepare("SELECT v FROM rolling.python WHERE k = ?")
# They may be sent twice; the driver's default policy wants to be told.
write.is_idempotent = True
read.is_idempotent = True
stopped = threading.Event()
requests, slowest, failed = [0] * CLIENTS, [0.0] * CLIENTS, {}


def work(client):
    number = client
    while not stopped.is_set():
        number += CLIENTS
        key = number % KEYS
        began = time.monotonic()
        try:
            if number // CLIENTS % 2:
                session.execute(write, (key, number))
            else:
                session.execute(read, (key,))
        except Exception as error:
            text = f"{type(error).__name__}: {error}"[:300]
            failed[text] = failed.get(text, 0) + 1
        requests[client] += 1
        slowest[client] = max(slowest[client], time.monotonic() - began)
        time.sleep(0.005)


threads = [threading.Thread(target=work, args=(client,)) for client in range(CLIENTS)]
for thread in threads:
    thread.start()
print("loading", flush=True)
sys.stdin.readline()
stopped.set()
for thread in threads:
    thread.join()
print(
    json.dumps(
        {"requests": sum(requests), "failed": failed, "slowest_ms": int(max(slowest) * 1000)}
    ),
    flush=True,
)
cluster.shutdown()
