//! `cargo xtask kill9`: kills the real server under write load and while rows become cold, again
//! and again, and reads every acknowledged write back. Start at [`run`].

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{places::Places, server::Server};

/// Numbers that a round may use.
const NUMBERS_OF_A_ROUND: u32 = 10_000_000;
/// How long a writer may take to see that the server is gone.
const ENDED_WITHIN: Duration = Duration::from_secs(40);

/// How often.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Kills.
    #[arg(long, default_value_t = 5)]
    pub(crate) times: u32,
    /// Chooses the moments of the kills.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Leaves all rows hot: many more kills in the same time.
    #[arg(long)]
    pub(crate) hot: bool,
}

/// Runs the rounds, then reads the writes of all of them back.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    let mut random = fastrand::Rng::with_seed(options.seed);
    let mut server = Server::dev(places, "kill9")?;
    let mut acknowledged = Vec::new();
    for round in 0..options.times {
        let file = server.data.with_file_name(format!("acknowledged-{round}"));
        let mut writer = write(places, &server, round, &file)?;
        let pause = Duration::from_millis(random.u64(300..2_500));
        // Shortly before its end the service begins to move rows to the cold tier.
        let moving = Duration::from_millis(random.u64(0..300));
        thread::sleep(pause.saturating_sub(moving));
        let _tiering = (!options.hot).then(|| tier(server.admin)).transpose()?;
        thread::sleep(moving);
        if let Some(status) = writer.try_wait()? {
            bail!("the writer ended before the server was killed, with {status}; see its log");
        }
        server.kill()?;
        ended(writer)?;
        acknowledged.push(file);
        let killed = Instant::now();
        server.start()?;
        let ready = killed.elapsed();
        let verified = verify(places, &server, &acknowledged, 1)
            .with_context(|| format!("round {round}, killed after {} ms", pause.as_millis()))?;
        println!(
            "xtask: kill {} of {}: after {} ms, ready again in {} ms: {verified}",
            round + 1,
            options.times,
            pause.as_millis(),
            ready.as_millis()
        );
    }
    let verified = verify(places, &server, &acknowledged, acknowledged.len())?;
    println!("xtask: after {} kills: {verified}", options.times);
    if options.hot {
        return server.stop();
    }
    // Everything cold by now: what is read next comes from segments.
    let answer = answer(tier(server.admin)?)?;
    let verified = verify(places, &server, &acknowledged, acknowledged.len())?;
    let segments = segments(&server.data.join("cold"))?;
    println!("xtask: with {segments} cold segments: {verified}");
    if segments == 0 {
        bail!("nothing became cold; the move was answered with\n{answer}");
    }
    server.stop()
}

fn write(places: &Places, server: &Server, round: u32, file: &Path) -> Result<Child> {
    let log = places.logs()?.join("kill9-writers.log");
    Command::new(places.program("cellar-drivers")?)
        .args(["--node", &server.cql.to_string(), "write", "--first"])
        .arg(u64::from(round).saturating_mul(NUMBERS_OF_A_ROUND.into()).to_string())
        .stdout(File::create(file)?)
        .stderr(File::options().create(true).append(true).open(log)?)
        .spawn()
        .context("cannot start the writer")
}

/// Asks for the move and does not wait for its end, which may never come.
fn tier(admin: SocketAddr) -> Result<TcpStream> {
    let mut socket = TcpStream::connect(admin).context("the admin port is closed")?;
    write!(
        socket,
        "POST /tier HTTP/1.1\r\nHost: {admin}\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n"
    )?;
    Ok(socket)
}

/// Waits for the answer to a request.
fn answer(mut socket: TcpStream) -> Result<String> {
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    if !answer.starts_with("HTTP/1.1 200") {
        bail!("the move of rows to the cold tier was answered with\n{answer}");
    }
    Ok(answer)
}

/// Parquet files below a folder.
fn segments(folder: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        count += match path.is_dir() {
            true => segments(&path)?,
            false => usize::from(path.extension().is_some_and(|ending| ending == "parquet")),
        };
    }
    Ok(count)
}

/// Waits until the writer saw that the server is gone.
fn ended(mut writer: Child) -> Result<()> {
    let killed = Instant::now();
    while killed.elapsed() < ENDED_WITHIN {
        if writer.try_wait()?.is_some() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    writer.kill()?;
    bail!("the writer did not end although the server is gone")
}

/// Reads back; returns what the verifier says.
fn verify(places: &Places, server: &Server, files: &[PathBuf], last: usize) -> Result<String> {
    let output = Command::new(places.program("cellar-drivers")?)
        .args(["--node", &server.cql.to_string(), "verify", "--last", &last.to_string()])
        .args(files)
        .stdin(Stdio::null())
        .env("RUST_BACKTRACE", "0")
        .output()
        .context("cannot start the verifier")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
