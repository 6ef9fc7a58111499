// Writes and reads a table through the stock Node.js driver with prepared statements while a
// column is dropped and added again, until a line comes on standard input; see ../COLUMNS.md.
//
// usage: node columns.js --hosts H:P,H:P --state FILE
'use strict';

const fs = require('node:fs');
const { parseArgs } = require('node:util');
const cassandra = require('cassandra-driver');

const WORKERS = 4;
const ROWS = 500;
const SLOW_US = 10_000_000;
const INVALID = 0x2200;

const { values: flags } = parseArgs({
  options: { hosts: { type: 'string' }, state: { type: 'string' } },
});
const client = new cassandra.Client({
  contactPoints: flags.hosts.split(','),
  localDataCenter: 'dc1',
  policies: { retry: new cassandra.policies.retry.FallthroughRetryPolicy() },
  queryOptions: { prepare: true, fetchSize: 40 },
  socketOptions: { readTimeout: 60000 },
});
const figures = { requests: 0, refused: 0, refusals: {}, faults: {} };
let stopped = false;

const now = () => Math.trunc((performance.timeOrigin + performance.now()) * 1000);
const state = () => JSON.parse(fs.readFileSync(flags.state, 'utf8'));
const count = (of, text) => { of[text] = (of[text] || 0) + 1; };
const fault = (text) => count(figures.faults, text.slice(0, 300));

function execute(text, values) {
  figures.requests += 1;
  return client.execute(text, values);
}

class Worker {
  constructor(number) {
    this.name = `node-${number}`;
    this.written = new Map();
  }

  value(id, column) { return `${id}|${column}|${now()}`; }

  // Every value says whose it is; those of this worker must be the last written.
  check(row, began, id) {
    const ended = state();
    if (id && row.id !== id) fault(`row ${row.id} instead of ${id}`);
    const last = this.written.get(row.id) || {};
    for (const name of row.keys()) {
      if (name === 'id') continue;
      const value = row[name] === null ? null : row[name].toString();
      if (value !== null) {
        const [whose, column, written] = value.split('|');
        if (whose !== row.id || column !== name) fault(`${name} of ${row.id} is ${value}`);
        if (name === began.column && Number(written) < began.floor - SLOW_US) {
          fault(`${name} was written before it was dropped: ${value}`);
        }
      }
      if (!id || !last[name]) continue;
      const [epoch, text] = last[name];
      const whole = name === 'a' || name === 'z'
        || (epoch === began.epoch && epoch === ended.epoch && began.there);
      if (whole && value !== text) fault(`${name} is ${value}, not ${text}`);
    }
    const keys = row.keys();
    if (id && last.z && !['id', 'a', 'z'].every((name) => keys.includes(name))) {
      fault(`only ${keys}`);
    }
  }

  async write(id, at, column) {
    const [a, z] = [this.value(id, 'a'), this.value(id, 'z')];
    const kept = this.written.get(id);
    // It may be written although it fails.
    this.written.delete(id);
    const row = { a: [at.epoch, a], z: [at.epoch, z] };
    if (!column) {
      await execute('INSERT INTO columns.t (id, a, z) VALUES (?, ?, ?)', [id, a, z]);
      this.written.set(id, { ...kept, ...row });
      return;
    }
    const c = this.value(id, column);
    try {
      const text = `INSERT INTO columns.t (id, a, ${column}, z) VALUES (?, ?, ?, ?)`;
      // The driver takes a string for a blob as its bytes in hexadecimal; a Buffer for any text.
      await execute(text, [id, a, Buffer.from(c), z]);
    } catch (error) {
      if (error.code === INVALID && kept) {
        delete kept[column];
        this.written.set(id, kept);
      }
      throw error;
    }
    this.written.set(id, { ...row, [column]: [at.epoch, c] });
  }

  async turn() {
    const at = state();
    const id = `${this.name}-${Math.trunc(Math.random() * ROWS)}`;
    const kind = Math.trunc(Math.random() * 6);
    const { column } = at;
    try {
      if (kind === 0) {
        await this.write(id, at, null);
      } else if (kind < 3) {
        await this.write(id, at, column);
      } else if (kind < 5) {
        const text = kind === 3 ? 'SELECT * FROM columns.t WHERE id = ?'
          : `SELECT id, a, ${column}, z FROM columns.t WHERE id = ?`;
        const result = await execute(text, [id]);
        result.rows.forEach((row) => this.check(row, at, id));
      } else {
        let pageState;
        do {
          figures.requests += 1;
          const result = await client.execute('SELECT * FROM columns.t LIMIT 100', [], { pageState });
          result.rows.forEach((row) => this.check(row, at));
          pageState = result.pageState;
        } while (pageState);
      }
    } catch (error) {
      // As Cassandra answers for a column that is not there.
      if ([1, 2, 4].includes(kind) && error.code === INVALID && error.message.includes(column)) {
        figures.refused += 1;
        count(figures.refusals, error.message.replace(column, 'c'));
      } else {
        fault(`kind ${kind}: ${error.name}: ${error.message}`);
      }
    }
  }
}

async function work(number) {
  const worker = new Worker(number);
  while (!stopped) {
    await worker.turn();
    await new Promise((done) => setTimeout(done, 5));
  }
}

async function main() {
  await client.connect();
  const workers = Array.from({ length: WORKERS }, (_, number) => work(number));
  console.log('loading');
  await new Promise((done) => process.stdin.once('data', done));
  stopped = true;
  await Promise.all(workers);
  console.log(JSON.stringify(figures));
  await client.shutdown();
  process.exit(0);
}

main();
