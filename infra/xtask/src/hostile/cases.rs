//! Every hostile input and how it must end.

use anyhow::Result;

use super::wire::{
    BATCH, Client, EXECUTE, OPTIONS, PREPARE, QUERY, REGISTER, STARTUP, frame, header, long_string,
    query, startup, string, values,
};

/// Codes of the protocol's errors.
const PROTOCOL: &[u32] = &[0x000a];
const SYNTAX: &[u32] = &[0x2000];
const INVALID: &[u32] = &[0x2200];
const UNPREPARED: &[u32] = &[0x2500];
const SYNTAX_OR_INVALID: &[u32] = &[0x2000, 0x2200];
const PROTOCOL_OR_INVALID: &[u32] = &[0x000a, 0x2200];

/// How a case must end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    /// One of these errors, and the connection goes on.
    Refused(&'static [u32]),
    /// One of these errors or the end of the connection.
    RefusedOrClosed(&'static [u32]),
    /// The end of the connection, whatever is said before.
    Closed,
}

/// One hostile input.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// Sent on a connection that was not started.
    pub(super) before_startup: bool,
    pub(super) send: fn(&mut Client) -> Result<()>,
    pub(super) outcome: Outcome,
}

pub(super) fn all() -> Vec<Case> {
    let mut cases = frames();
    cases.extend(bodies());
    cases.extend(statements());
    cases
}

fn case(name: &'static str, outcome: Outcome, send: fn(&mut Client) -> Result<()>) -> Case {
    Case { name, before_startup: false, send, outcome }
}

fn first(name: &'static str, outcome: Outcome, send: fn(&mut Client) -> Result<()>) -> Case {
    Case { name, before_startup: true, send, outcome }
}

/// Frames that are none.
fn frames() -> Vec<Case> {
    use Outcome::RefusedOrClosed as Ends;
    vec![
        first("a version of the protocol that there is not", Ends(PROTOCOL), |client| {
            client.send(&frame(0x42, 0, OPTIONS, &[])?)
        }),
        first("version 1", Ends(PROTOCOL), |client| {
            client.send(&frame(1, 0, STARTUP, &startup())?)
        }),
        first("a response as a request", Ends(PROTOCOL), |client| {
            client.send(&frame(0x84, 0, OPTIONS, &[])?)
        }),
        first("a query before STARTUP", Ends(PROTOCOL), |client| {
            client.send(&frame(4, 0, QUERY, &query("SELECT key FROM system.local"))?)
        }),
        first("STARTUP in version 5 and then frames without segments", Outcome::Closed, |client| {
            client.send(&frame(5, 0, STARTUP, &startup())?)?;
            client.receive()?;
            client.send(&frame(5, 0, OPTIONS, &[])?)
        }),
        first("HTTP", Ends(PROTOCOL), |client| {
            client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n")
        }),
        first("half a header, and the end", Ends(PROTOCOL), |client| {
            client.send(&[4, 0, 0, 1])?;
            client.finish();
            Ok(())
        }),
        case("half a frame, and the end", Ends(PROTOCOL), |client| {
            client.send(&header(4, 0, QUERY, 100))?;
            client.send(&[0; 10])?;
            client.finish();
            Ok(())
        }),
        case("random bytes", Ends(PROTOCOL), |client| {
            let mut random = fastrand::Rng::with_seed(7);
            let bytes: Vec<u8> = (0..100_000).map(|_| random.u8(..) | 0x80).collect();
            client.send(&bytes)
        }),
        case("a frame of 2 GiB", Ends(PROTOCOL_OR_INVALID), |client| {
            client.send(&header(4, 0, QUERY, 0x7fff_ffff))?;
            client.send(&[0; 100])
        }),
        case("a frame of negative length", Ends(PROTOCOL_OR_INVALID), |client| {
            client.send(&header(4, 0, QUERY, u32::MAX))
        }),
        case("compression that was not agreed upon", Ends(PROTOCOL), |client| {
            client.send(&frame(4, 1, QUERY, &query("SELECT key FROM system.local"))?)
        }),
    ]
}

/// Frames whose bodies are not what their header says.
fn bodies() -> Vec<Case> {
    use Outcome::{Refused, RefusedOrClosed as Ends};
    vec![
        case("an opcode that there is not", Ends(PROTOCOL), |client| {
            client.send(&frame(4, 0, 0x55, &[])?)
        }),
        case("an opcode of the server", Ends(PROTOCOL), |client| {
            client.send(&frame(4, 0, 0x08, &[0, 0, 0, 1])?)
        }),
        case("a query without a body", Ends(PROTOCOL), |client| {
            client.send(&frame(4, 0, QUERY, &[])?)
        }),
        case("a text longer than its frame", Ends(PROTOCOL), |client| {
            client.send(&frame(4, 0, QUERY, &[0x7f, 0xff, 0xff, 0xff, b'S'])?)
        }),
        case("a text of negative length", Ends(PROTOCOL), |client| {
            client.send(&frame(4, 0, QUERY, &[0xff, 0xff, 0xff, 0xfe, b'S', 0, 1, 0])?)
        }),
        case("a text that is not UTF-8", Ends(&[0x000a, 0x2000]), |client| {
            let mut body = Vec::new();
            long_string(&mut body, b"SELECT \xff\xfe FROM x");
            body.extend_from_slice(&[0, 1, 0]);
            client.send(&frame(4, 0, QUERY, &body)?)
        }),
        case("a consistency that there is not", Ends(PROTOCOL), |client| {
            let mut body = Vec::new();
            long_string(&mut body, b"SELECT v FROM hostile.t");
            body.extend_from_slice(&[0, 99, 0]);
            client.send(&frame(4, 0, QUERY, &body)?)
        }),
        case("more values than there are bytes", Ends(PROTOCOL), |client| {
            let mut body = Vec::new();
            long_string(&mut body, b"SELECT v FROM hostile.t WHERE k = ?");
            body.extend_from_slice(&[0, 1, 1, 0xff, 0xff]);
            client.send(&frame(4, 0, QUERY, &body)?)
        }),
        case("a batch of a kind that there is not", Ends(PROTOCOL), |client| {
            client.send(&frame(4, 0, BATCH, &[9, 0, 0, 0, 1, 0])?)
        }),
        case("a batch that promises 65,535 statements", Ends(PROTOCOL), |client| {
            client.send(&frame(4, 0, BATCH, &[0, 0xff, 0xff, 0, 1, 0])?)
        }),
        case("an event that there is not", Ends(PROTOCOL_OR_INVALID), |client| {
            let mut body = vec![0, 1];
            string(&mut body, "NOTHING_CHANGE");
            client.send(&frame(4, 0, REGISTER, &body)?)
        }),
        case("an id that was never prepared", Refused(UNPREPARED), |client| {
            let mut body = Vec::new();
            string(&mut body, "0123456789abcdef");
            body.extend_from_slice(&[0, 1, 0]);
            client.send(&frame(4, 0, EXECUTE, &body)?)
        }),
        case("a paging state that is none", Refused(PROTOCOL_OR_INVALID), |client| {
            let mut body = Vec::new();
            long_string(&mut body, b"SELECT v FROM hostile.t");
            // Flags: page size and paging state.
            body.extend_from_slice(&[0, 1, 0x0c, 0, 0, 0, 10]);
            long_string(&mut body, b"\x00\x01garbage\xff\xff\xff");
            client.send(&frame(4, 0, QUERY, &body)?)
        }),
    ]
}

/// Statements and values that are well framed.
fn statements() -> Vec<Case> {
    use Outcome::Refused;
    vec![
        case("a statement that is none", Refused(SYNTAX), |client| text(client, "SELEC * FROM x")),
        case("an empty statement", Refused(SYNTAX), |client| text(client, "")),
        case("a text without an end", Refused(SYNTAX), |client| {
            text(client, "SELECT v FROM hostile.t WHERE k = 'abc")
        }),
        case("an unknown table", Refused(INVALID), |client| {
            text(client, "SELECT a FROM hostile.x")
        }),
        case("an unknown keyspace", Refused(INVALID), |client| text(client, "SELECT a FROM no.t")),
        case("a literal of the wrong type", Refused(INVALID), |client| {
            text(client, "INSERT INTO hostile.t (k, v) VALUES ('one', 'x')")
        }),
        case("100,000 open parentheses", Refused(SYNTAX_OR_INVALID), |client| {
            let deep = "(".repeat(100_000);
            text(client, &format!("SELECT v FROM hostile.t WHERE k = {deep}"))
        }),
        case("a literal of 50,000 nested lists", Refused(SYNTAX_OR_INVALID), |client| {
            let deep = "[".repeat(50_000);
            let close = "]".repeat(50_000);
            text(client, &format!("INSERT INTO hostile.t (k, v) VALUES ({deep}{close}, 'x')"))
        }),
        case("PREPARE of a statement that is none", Refused(SYNTAX), |client| {
            let mut body = Vec::new();
            long_string(&mut body, b"INSERT INTO");
            client.send(&frame(4, 0, PREPARE, &body)?)
        }),
        case("too few values for the markers", Refused(INVALID), |client| {
            bound(client, "INSERT INTO hostile.t (k, v) VALUES (?, ?)", &[&[0, 0, 0, 1]])
        }),
        case("too many values for the markers", Refused(INVALID), |client| {
            bound(client, "SELECT v FROM hostile.t WHERE k = ?", &[&[0, 0, 0, 1], &[1]])
        }),
        case("three bytes for an int", Refused(INVALID), |client| {
            bound(client, "SELECT v FROM hostile.t WHERE k = ?", &[&[0, 0, 1]])
        }),
        case("bytes that are no text for a text", Refused(INVALID), |client| {
            let insert = "INSERT INTO hostile.t (k, v) VALUES (?, ?)";
            bound(client, insert, &[&[0, 0, 0, 2], &[0xff, 0xfe]])
        }),
        case("EXECUTE with too few values", Refused(INVALID), |client| {
            let id = client.prepare("INSERT INTO hostile.t (k, v) VALUES (?, ?)")?;
            let mut body = u16::try_from(id.len())?.to_be_bytes().to_vec();
            body.extend_from_slice(&id);
            values(&mut body, &[&[0, 0, 0, 1]]);
            client.send(&frame(4, 0, EXECUTE, &body)?)
        }),
        case("a SELECT inside a batch", Refused(INVALID), |client| {
            let mut body = vec![0, 0, 1, 0];
            long_string(&mut body, b"SELECT v FROM hostile.t");
            body.extend_from_slice(&[0, 0, 0, 1, 0]);
            client.send(&frame(4, 0, BATCH, &body)?)
        }),
        case("a write to a system table", Refused(&[0x2100, 0x2200]), |client| {
            text(client, "INSERT INTO system.local (key) VALUES ('mine')")
        }),
    ]
}

fn text(client: &mut Client, statement: &str) -> Result<()> {
    client.send(&frame(4, 0, QUERY, &query(statement))?)
}

fn bound(client: &mut Client, statement: &str, bytes: &[&[u8]]) -> Result<()> {
    let mut body = Vec::new();
    long_string(&mut body, statement.as_bytes());
    values(&mut body, bytes);
    client.send(&frame(4, 0, QUERY, &body)?)
}
