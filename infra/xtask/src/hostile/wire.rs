//! The protocol by hand, so that a client can say what no driver would.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// An answer, or the end of the connection, comes within this time.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The largest answer that these tests expect.
const BODY_BYTES_MAX: usize = 16 << 20;

pub(super) const STARTUP: u8 = 0x01;
pub(super) const OPTIONS: u8 = 0x05;
pub(super) const QUERY: u8 = 0x07;
pub(super) const PREPARE: u8 = 0x09;
pub(super) const EXECUTE: u8 = 0x0a;
pub(super) const REGISTER: u8 = 0x0b;
pub(super) const BATCH: u8 = 0x0d;

const ERROR: u8 = 0x00;
const READY: u8 = 0x02;
const SUPPORTED: u8 = 0x06;
const RESULT: u8 = 0x08;

/// What came back.
#[derive(Debug)]
pub(super) enum Answer {
    /// A frame that is no error.
    Other { opcode: u8, body: Vec<u8> },
    /// An error with its code and message.
    Error { code: u32, message: String },
    /// The server closed the connection.
    Closed,
}

/// A connection.
pub(super) struct Client {
    socket: TcpStream,
}

impl Client {
    /// A connection on which nothing was said yet.
    pub(super) fn connect(address: SocketAddr) -> Result<Self> {
        let socket = TcpStream::connect(address).context("the server accepts no connection")?;
        socket.set_read_timeout(Some(ANSWER_WITHIN))?;
        socket.set_write_timeout(Some(ANSWER_WITHIN))?;
        socket.set_nodelay(true)?;
        Ok(Self { socket })
    }

    /// A connection that is ready for statements, in version 4.
    pub(super) fn ready(address: SocketAddr) -> Result<Self> {
        let mut client = Self::connect(address)?;
        match client.request(STARTUP, &startup())? {
            Answer::Other { opcode: READY, .. } => Ok(client),
            other => bail!("STARTUP was answered with {other:?}"),
        }
    }

    /// Sends bytes as they are. That the server closed meanwhile is seen when reading.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        match self.socket.write_all(bytes) {
            Err(error) if is_end(error.kind()) => Ok(()),
            other => other.context("cannot send"),
        }
    }

    /// Says that nothing more comes.
    pub(super) fn finish(&mut self) {
        // The server may have closed already.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Reads one frame of version 4.
    pub(super) fn receive(&mut self) -> Result<Answer> {
        let mut header = [0_u8; 9];
        let [_, _, _, _, opcode, length @ ..] = match self.socket.read_exact(&mut header) {
            Ok(()) => header,
            Err(error) if is_end(error.kind()) => return Ok(Answer::Closed),
            Err(error) => return Err(error).context("no answer"),
        };
        let length = usize::try_from(u32::from_be_bytes(length))?;
        if length > BODY_BYTES_MAX {
            bail!("an answer of {length} bytes");
        }
        let mut body = vec![0_u8; length];
        self.socket.read_exact(&mut body).context("an answer ends early")?;
        Ok(match (opcode, body.split_first_chunk::<4>()) {
            (ERROR, Some((code, rest))) => {
                let message = rest.get(2..).unwrap_or_default();
                let message = String::from_utf8_lossy(message).into_owned();
                Answer::Error { code: u32::from_be_bytes(*code), message }
            }
            _ => Answer::Other { opcode, body },
        })
    }

    /// Waits until the server closes the connection.
    pub(super) fn ends(&mut self) -> Result<()> {
        let mut said = [0_u8; 1024];
        loop {
            match self.socket.read(&mut said) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if is_end(error.kind()) => return Ok(()),
                Err(error) => return Err(error).context("the connection does not end"),
            }
        }
    }

    /// Sends a request of version 4 and reads its answer.
    pub(super) fn request(&mut self, opcode: u8, body: &[u8]) -> Result<Answer> {
        self.send(&frame(4, 0, opcode, body)?)?;
        self.receive()
    }

    /// Runs a statement without values; an error is an error.
    pub(super) fn query(&mut self, text: &str) -> Result<Vec<u8>> {
        match self.request(QUERY, &query(text))? {
            Answer::Other { opcode: RESULT, body } => Ok(body),
            other => bail!("{text} was answered with {other:?}"),
        }
    }

    /// Prepares a statement and returns its id.
    pub(super) fn prepare(&mut self, text: &str) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        long_string(&mut body, text.as_bytes());
        match self.request(PREPARE, &body)? {
            // Kind of result (4 bytes), then the id as [short bytes].
            Answer::Other { opcode: RESULT, body } => {
                let length = body.get(4..6).and_then(|bytes| bytes.first_chunk::<2>());
                let length = usize::from(u16::from_be_bytes(*length.context("no id")?));
                Ok(body.get(6..6 + length).context("no id")?.to_vec())
            }
            other => bail!("PREPARE was answered with {other:?}"),
        }
    }

    /// Whether the connection still serves.
    pub(super) fn serves(&mut self) -> Result<bool> {
        let answer = self.request(OPTIONS, &[])?;
        Ok(matches!(answer, Answer::Other { opcode: SUPPORTED, .. }))
    }
}

fn is_end(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::BrokenPipe
            | ErrorKind::ConnectionAborted
    )
}

/// A whole frame, on stream 1.
pub(super) fn frame(version: u8, flags: u8, opcode: u8, body: &[u8]) -> Result<Vec<u8>> {
    let mut frame = header(version, flags, opcode, u32::try_from(body.len())?);
    frame.extend_from_slice(body);
    Ok(frame)
}

/// The header of a frame that claims a length.
pub(super) fn header(version: u8, flags: u8, opcode: u8, length: u32) -> Vec<u8> {
    let mut header = vec![version, flags, 0, 1, opcode];
    header.extend_from_slice(&length.to_be_bytes());
    header
}

/// The body of STARTUP.
pub(super) fn startup() -> Vec<u8> {
    let mut body = vec![0, 1];
    for text in ["CQL_VERSION", "3.0.0"] {
        string(&mut body, text);
    }
    body
}

/// The body of a QUERY without values at consistency ONE.
pub(super) fn query(text: &str) -> Vec<u8> {
    let mut body = Vec::new();
    long_string(&mut body, text.as_bytes());
    body.extend_from_slice(&[0, 1, 0]);
    body
}

/// The parameters after a statement or an id: consistency ONE and values.
pub(super) fn values(body: &mut Vec<u8>, values: &[&[u8]]) {
    body.extend_from_slice(&[0, 1, 1]);
    body.extend_from_slice(&u16::try_from(values.len()).unwrap_or(u16::MAX).to_be_bytes());
    for value in values {
        long_string(body, value);
    }
}

/// A [string].
pub(super) fn string(body: &mut Vec<u8>, text: &str) {
    body.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    body.extend_from_slice(text.as_bytes());
}

/// A [long string] or [bytes].
pub(super) fn long_string(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    body.extend_from_slice(bytes);
}
