//! What a connection does with each frame: the handshake is answered at once, statements become
//! futures.

use cellar_wire::{
    Compression, Consistency, Envelope, ErrorBody, Frame, Opcode, Register, Request,
    RequestEnvelope, Response, Startup, Version,
};
use futures::future::BoxFuture;

use super::{connection::Answered, dispatch, extensions, session::Session};
use crate::trace;

/// The CQL version told to clients.
const CQL_VERSION: &str = "3.4.7";
/// What drivers' plain-text providers look for.
const AUTHENTICATOR: &str = "org.apache.cassandra.auth.PasswordAuthenticator";

/// What to do after a frame.
pub(super) enum Step {
    /// Answer at once.
    Answer(Answered),
    /// Answer, then speak the agreed form.
    Started(Answered, Compression),
    /// Answer when it is done.
    Run(BoxFuture<'static, Answered>),
    /// Answer and close.
    Close(Answered),
}

impl Session {
    /// Takes in one frame.
    pub(super) fn step(&mut self, frame: Frame) -> Step {
        let (version, stream) = (frame.header.version, frame.header.stream);
        self.agreed.count();
        let answered =
            |response: Response| Answered { version, stream, envelope: Envelope::new(response) };
        if let Some(agreed) = self.version.filter(|agreed| *agreed != version) {
            let message =
                format!("Invalid message version. Got {version} but previous was {agreed}");
            return Step::Close(answered(protocol_error(message)));
        }
        let opcode = frame.header.opcode;
        let envelope = match RequestEnvelope::decode_with(frame, self.agreed.agreement().messages) {
            Ok(envelope) => envelope,
            Err(error) => return Step::Answer(answered(protocol_error(error.to_string()))),
        };
        if self.version.is_none() && !matches!(opcode, Opcode::Startup | Opcode::Options) {
            let message = "Unexpected message, expecting STARTUP or OPTIONS".to_owned();
            return Step::Answer(answered(protocol_error(message)));
        }
        let waiting = self.version.is_some() && !self.agreed.is_logged_in();
        if waiting && !matches!(opcode, Opcode::AuthResponse | Opcode::Options) {
            let message = format!("Unexpected message {opcode:?}, expecting AUTH_RESPONSE");
            return Step::Answer(answered(protocol_error(message)));
        }
        match envelope.request {
            Request::Options(_) => Step::Answer(answered(supported())),
            Request::Startup(startup) => match self.start(version, &startup) {
                Ok(compression) => {
                    let authenticate = || Response::Authenticate(AUTHENTICATOR.to_owned());
                    let ready = self.agreed.is_logged_in();
                    let first = if ready { Response::Ready } else { authenticate() };
                    Step::Started(answered(first), compression)
                }
                Err(message) => Step::Answer(answered(protocol_error(message))),
            },
            Request::Register(register) => {
                self.register(&register);
                Step::Answer(answered(Response::Ready))
            }
            Request::AuthResponse(_) if !waiting => {
                let message = "no authentication was asked for".to_owned();
                Step::Answer(answered(protocol_error(message)))
            }
            Request::AuthResponse(_)
            | Request::Query(_)
            | Request::Prepare(_)
            | Request::Execute(_)
            | Request::Batch(_) => {
                let traced = envelope.tracing.then(|| self.describe(&envelope.request));
                let shared = self.shared.clone();
                let running =
                    dispatch::run(shared.clone(), self.agreed.clone(), version, envelope.request);
                Step::Run(Box::pin(async move {
                    let Some(request) = traced else {
                        return Answered { version, stream, envelope: running.await };
                    };
                    let traces = shared.executor.system.traces();
                    let (id, mut envelope) = trace::traced(traces, request, running).await;
                    envelope.tracing_id = Some(id);
                    Answered { version, stream, envelope }
                }))
            }
        }
    }

    /// What a trace of the request begins with.
    fn describe(&self, request: &Request) -> trace::Request {
        let (activity, query, asked) = match request {
            Request::Query(query) => {
                ("Execute CQL3 query", query.query.as_str(), Some(&query.params))
            }
            Request::Execute(execute) => ("Execute CQL3 prepared query", "", Some(&execute.params)),
            Request::Batch(_) => ("Execute batch of CQL3 queries", "", None),
            Request::Prepare(prepare) => ("Preparing CQL3 query", prepare.query.as_str(), None),
            _ => ("", "", None),
        };
        let levels = match request {
            Request::Batch(batch) => Some((batch.consistency, batch.serial_consistency)),
            _ => asked.map(|params| (params.consistency, params.serial_consistency)),
        };
        let mut parameters = Vec::new();
        if let Some((consistency, serial)) = levels {
            let serial = serial.unwrap_or(Consistency::Serial);
            parameters.push(("consistency_level".to_owned(), consistency.to_string()));
            parameters.push(("serial_consistency_level".to_owned(), serial.to_string()));
        }
        if let Some(rows) = asked.and_then(|params| params.page_size) {
            parameters.push(("page_size".to_owned(), rows.to_string()));
        }
        if !query.is_empty() {
            parameters.push(("query".to_owned(), query.to_owned()));
        }
        let at_us = self.shared.executor.clock.now_us();
        trace::Request { client: self.peer, activity, parameters, at_us }
    }

    fn start(&mut self, version: Version, startup: &Startup) -> Result<Compression, String> {
        if self.version.is_some() {
            return Err("STARTUP was answered already".to_owned());
        }
        match startup.get("CQL_VERSION") {
            None => return Err("Missing value CQL_VERSION in STARTUP message".to_owned()),
            Some(asked) if !is_spoken(asked) => {
                return Err(format!(
                    "CQL version {asked} is not supported by the binary protocol (supported \
                     version are >= 3.0.0)"
                ));
            }
            Some(_) => {}
        }
        let compression = startup.compression().map_err(|error| error.to_string())?;
        if version == Version::V5 && compression == Compression::Snappy {
            return Err("Snappy compression is not supported in protocol V5".to_owned());
        }
        self.version = Some(version);
        self.agreed.begin(version, startup);
        Ok(compression)
    }

    fn register(&mut self, register: &Register) {
        for kind in &register.events {
            self.interest.add(*kind);
        }
        if self.events.is_none() {
            self.events = Some(self.shared.events.subscribe());
        }
    }
}

fn supported() -> Response {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let mut options = vec![
        ("CQL_VERSION".to_owned(), texts(&[CQL_VERSION])),
        ("COMPRESSION".to_owned(), texts(&["snappy", "lz4"])),
        ("PROTOCOL_VERSIONS".to_owned(), texts(&Version::V5.descriptions_up_to())),
    ];
    options.extend(extensions::supported());
    Response::Supported(options)
}

fn protocol_error(message: String) -> Response {
    Response::Error(ErrorBody::ProtocolError(message))
}

/// As in Apache Cassandra: 3 and everything after it (some drivers ask for 4.0.0).
fn is_spoken(version: &str) -> bool {
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    major.is_some_and(|major| major >= 3)
}
