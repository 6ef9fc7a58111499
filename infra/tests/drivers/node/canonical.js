// Values of the Node.js driver in the text form of CANONICAL.md, and parameters from the script.
'use strict';

const cassandra = require('cassandra-driver');
const types = cassandra.types;
const codes = types.dataTypes;

const quoted = (text) => "'" + text.replace(/'/g, "''") + "'";

function shortest32(number) {
  for (let digits = 1; digits < 10; digits++) {
    const text = number.toExponential(digits - 1);
    if (Math.fround(Number(text)) === number) return text;
  }
  return number.toExponential();
}

function floating(number, width) {
  if (Number.isNaN(number)) return 'NaN';
  if (!Number.isFinite(number)) return number > 0 ? 'Infinity' : '-Infinity';
  if (number === 0) return Object.is(number, -0) ? '-0e0' : '0e0';
  const text = width === 32 ? shortest32(number) : number.toExponential();
  return text.replace('e+', 'e');
}

// The driver has no getter for the two halves of a decimal.
function decimal(value) {
  return `${value._intVal.toString()}e${value._scale === 0 ? 0 : -value._scale}`;
}

function inet(value) {
  const text = value.toString();
  return quoted(new URL(text.includes(':') ? `http://[${text}]/` : `http://${text}/`)
    .hostname.replace(/[[\]]/g, ''));
}

function time(value) {
  const pad = (number, width) => String(number).padStart(width, '0');
  return quoted(`${pad(value.hour, 2)}:${pad(value.minute, 2)}:${pad(value.second, 2)}.` +
    pad(value.nanosecond, 9));
}

// The driver keeps the parts of a duration without a public getter for all of them.
const duration = (v) => `${v.months ?? v._months}mo${v.days ?? v._days}d` +
  `${(v.nanoseconds ?? v._nanoseconds).toString()}ns`;

const SCALARS = {
  [codes.ascii]: quoted,
  [codes.text]: quoted,
  [codes.varchar]: quoted,
  [codes.boolean]: String,
  [codes.float]: (v) => floating(v, 32),
  [codes.double]: (v) => floating(v, 64),
  [codes.decimal]: decimal,
  [codes.blob]: (v) => '0x' + v.toString('hex'),
  [codes.inet]: inet,
  [codes.timestamp]: (v) => String(v.getTime()),
  [codes.date]: (v) => quoted(v.toString()),
  [codes.time]: time,
  [codes.duration]: duration,
};

function canonical(type, value) {
  if (value === null || value === undefined) return 'null';
  const { code, info } = type;
  const inner = (t) => (v) => canonical(t, v);
  switch (code) {
    case codes.list:
      return '[' + value.map(inner(info)).join(', ') + ']';
    case codes.set:
      return '{' + [...value].map(inner(info)).join(', ') + '}';
    case codes.map:
      return '{' + [...value].map(([k, v]) =>
        `${canonical(info[0], k)}: ${canonical(info[1], v)}`).join(', ') + '}';
    case codes.tuple:
      return '(' + info.map((t, i) => canonical(t, value.elements[i])).join(', ') + ')';
    case codes.udt:
      return '{' + info.fields.map((f) =>
        `${f.name}: ${canonical(f.type, value[f.name])}`).join(', ') + '}';
    case codes.custom:
      // Version 4 of the protocol names the type of a duration by its Java class.
      return value instanceof types.Duration ? duration(value) : String(value);
    default:
      return (SCALARS[code] || String)(value);
  }
}

// A value of the script as the driver takes it.
function parameter(kind, value, turn) {
  if (value === null) return null;
  if (value.unset === true) return types.unset;
  if (typeof value === 'string' && value.includes('$i')) {
    value = value.replace('$i%10', String(turn % 10)).replace('$i', String(turn));
  }
  if (Array.isArray(kind)) return composite(kind, value, turn);
  switch (kind) {
    case 'tinyint': case 'smallint': case 'int': return Number(value);
    case 'float': case 'double': return Number(value);
    case 'bigint': case 'counter': return types.Long.fromString(String(value));
    case 'varint': return types.Integer.fromString(value);
    case 'decimal': return new types.BigDecimal(types.Integer.fromString(value[0]), Number(value[1]));
    case 'timestamp': return new Date(value);
    case 'blob': return Buffer.from(value.slice(2), 'hex');
    case 'uuid': return types.Uuid.fromString(value);
    case 'timeuuid': return types.TimeUuid.fromString(value);
    case 'date': return types.LocalDate.fromString(value);
    case 'time': return types.LocalTime.fromString(value);
    case 'inet': return types.InetAddress.fromString(value);
    case 'duration':
      return new types.Duration(value[0], value[1], types.Long.fromString(value[2]));
    default: return value;
  }
}

function composite(kind, value, turn) {
  const of = (k) => (v) => parameter(k, v, turn);
  switch (kind[0]) {
    case 'list': return value.map(of(kind[1]));
    case 'set': return new Set(value.map(of(kind[1])));
    case 'map': return new Map(value.map(([k, v]) => [of(kind[1])(k), of(kind[2])(v)]));
    case 'tuple': return new types.Tuple(...kind.slice(1).map((k, i) => of(k)(value[i])));
    default:
      return Object.fromEntries(kind.slice(3).map(([f, k]) => [f, of(k)(value[f])]));
  }
}

module.exports = { canonical, parameter };
