// Runs script.json through the stock Node.js driver and prints one JSON line per step.
//
// usage: node run.js --host H --port P --script script.json
// The lines are described in ../CANONICAL.md.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const { parseArgs } = require('node:util');
const cassandra = require('cassandra-driver');
const { canonical, parameter } = require('./canonical');

const ERRORS = {
  0x2000: 'Syntax', 0x2100: 'Unauthorized', 0x2200: 'Invalid', 0x2300: 'Config',
  0x2400: 'AlreadyExists',
};

const { values: flags } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string' },
    script: { type: 'string' },
  },
});

const client = new cassandra.Client({
  contactPoints: [`${flags.host}:${flags.port}`],
  localDataCenter: 'dc1',
  policies: { retry: new cassandra.policies.retry.FallthroughRetryPolicy() },
  encoding: { map: Map, set: Set, useUndefinedAsUnset: true },
  socketOptions: { readTimeout: 60000 },
});

const values = (parameters, turn = 0) => parameters.map(([k, v]) => parameter(k, v, turn));

async function repeat(step) {
  for (let from = 0; from < step.repeat; from += 64) {
    const turns = [];
    for (let turn = from; turn < Math.min(from + 64, step.repeat); turn++) {
      turns.push(client.execute(step.cql, values(step.params, turn), { prepare: true }));
    }
    await Promise.all(turns);
  }
  return { void: true };
}

async function execute(step) {
  if ('sleep_ms' in step) {
    await new Promise((done) => setTimeout(done, step.sleep_ms));
    return { void: true };
  }
  if ('repeat' in step) return repeat(step);
  if ('batch' in step) {
    const statements = step.statements.map((s) => ({ query: s.cql, params: values(s.params) }));
    const options = {
      prepare: true, logged: step.batch === 'logged', counter: step.batch === 'counter',
    };
    return shown(step, await client.batch(statements, options), null);
  }
  const params = step.prepared ? values(step.params) : [];
  const page = (pageState) => client.execute(step.cql, params, {
    prepare: step.prepared === true, fetchSize: step.page_size || 5000, pageState,
  });
  return shown(step, await page(), page);
}

async function shown(step, result, page) {
  if (!result.columns) return { void: true };
  const columns = result.columns;
  const texts = (rows) => rows.map((row) =>
    row.values().map((value, i) => canonical(columns[i].type, value)));
  const rows = texts(result.rows);
  let pages = 1;
  while (result.pageState) {
    result = await page(result.pageState);
    rows.push(...texts(result.rows));
    pages += 1;
  }
  if (!step.summary) return { columns: columns.map((c) => c.name), rows };
  const digest = crypto.createHash('sha256');
  for (const row of rows) digest.update(row.join('|') + '\n');
  return { count: rows.length, pages, sha256: digest.digest('hex') };
}

async function main() {
  await client.connect();
  for (const step of JSON.parse(fs.readFileSync(flags.script, 'utf8'))) {
    let outcome;
    try {
      outcome = await execute(step);
    } catch (error) {
      outcome = { error: ERRORS[error.code] || error.name, message: error.message };
    }
    process.stdout.write(JSON.stringify({ name: step.name, ...outcome }) + '\n');
  }
  await client.shutdown();
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
