//! Stock drivers in their own environments below `target/xtask`: a Python virtual environment and
//! npm modules, from the pinned requirement files of `infra/tests/drivers`.
//!
//! An environment is named by the hash of its requirement files and made once; one that was not
//! finished is made again. Nothing is installed outside of the folder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::places::Places;

/// Written last into an environment.
const FINISHED: &str = "finished";

/// The Python environment with all drivers; `bin/python` and `bin/cqlsh` lie in it.
pub(crate) fn python(places: &Places) -> Result<PathBuf> {
    let requirements = places.tests("drivers/python/requirements.txt");
    environment(places, "python", &[&requirements], |folder| {
        let python = program(&["python3", "python"], "Python 3.10 or newer, with the module venv")?;
        run(Command::new(python).args(["-m", "venv"]).arg(folder))?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
        run(pip.arg(&requirements))
    })
}

/// The folder `node_modules` with the driver.
pub(crate) fn node_modules(places: &Places) -> Result<PathBuf> {
    let files = ["package.json", "package-lock.json", ".npmrc"]
        .map(|name| places.tests("drivers/node").join(name));
    let folder = environment(places, "node", &files.each_ref().map(PathBuf::as_path), |folder| {
        program(&["node"], "Node.js 20 or newer")?;
        let npm = program(&["npm"], "npm, which comes with Node.js")?;
        fs::create_dir_all(folder)?;
        for file in &files {
            let name = file.file_name().context("a file has a name")?;
            fs::copy(file, folder.join(name))?;
        }
        run(Command::new(npm).args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))
    })?;
    Ok(folder.join("node_modules"))
}

/// A folder that is made from some files once, and again when they change.
pub(crate) fn environment(
    places: &Places,
    name: &str,
    files: &[&Path],
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let mut hash = Sha256::new();
    for file in files {
        hash.update(fs::read(file).with_context(|| format!("cannot read {}", file.display()))?);
    }
    let digest = hex::encode(hash.finalize());
    let folder = places.cache.join(format!("{name}-{}", digest.get(..16).unwrap_or_default()));
    if folder.join(FINISHED).is_file() {
        return Ok(folder);
    }
    println!("xtask: installing the {name} driver into {} ...", folder.display());
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&places.cache)?;
    make(&folder).with_context(|| format!("cannot install the {name} driver"))?;
    fs::write(folder.join(FINISHED), "")?;
    Ok(folder)
}

/// The first of some programs that can be run.
pub(crate) fn program(names: &[&'static str], what: &str) -> Result<&'static str> {
    let runs = |name: &&&str| Command::new(name).arg("--version").output().is_ok();
    match names.iter().find(runs) {
        Some(name) => Ok(name),
        None => bail!("the tests need {what}: `{}` is not in PATH", names.join("` or `")),
    }
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("{shown} ended with {status}");
    }
    Ok(())
}
