//! What a body is. Numbers are the protocol's.

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// Response: the request failed.
    Error = 0x00,
    /// Request: first message of a connection.
    Startup = 0x01,
    /// Response: the connection, or the registration, is ready.
    Ready = 0x02,
    /// Response: credentials are wanted.
    Authenticate = 0x03,
    /// Request: which STARTUP options exist.
    Options = 0x05,
    /// Response to OPTIONS.
    Supported = 0x06,
    /// Request: run a statement given as text.
    Query = 0x07,
    /// Response: outcome of a statement.
    Result = 0x08,
    /// Request: prepare a statement.
    Prepare = 0x09,
    /// Request: run a prepared statement.
    Execute = 0x0A,
    /// Request: send events of these kinds.
    Register = 0x0B,
    /// Response nobody asked for: something happened.
    Event = 0x0C,
    /// Request: several statements at once.
    Batch = 0x0D,
    /// Response: another round of authentication.
    AuthChallenge = 0x0E,
    /// Request: a round of authentication.
    AuthResponse = 0x0F,
    /// Response: authenticated.
    AuthSuccess = 0x10,
}

impl Opcode {
    /// Every opcode of the versions spoken.
    pub const ALL: [Self; 16] = [
        Self::Error,
        Self::Startup,
        Self::Ready,
        Self::Authenticate,
        Self::Options,
        Self::Supported,
        Self::Query,
        Self::Result,
        Self::Prepare,
        Self::Execute,
        Self::Register,
        Self::Event,
        Self::Batch,
        Self::AuthChallenge,
        Self::AuthResponse,
        Self::AuthSuccess,
    ];

    /// The opcode a byte stands for.
    #[must_use]
    pub fn from_u8(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|opcode| opcode.as_u8() == byte)
    }

    /// The byte for a header.
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        self as u8
    }
}
