//! The house rules as a program: sizes, headers, names, what may stand at the top level.
//!
//! Guarantees: every breach is listed with its file and line before the run fails. Reads only.
//! Start at [`check`].

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Production lines a file may have, and the same for formats and codecs.
const FILE_LINES_MAX: usize = 400;
const CODEC_LINES_MAX: usize = 500;
/// Characters a line may have.
const LINE_CHARS_MAX: usize = 100;
/// Modules one folder may hold.
const FOLDER_MODULES_MAX: usize = 15;

/// What may stand at the top level besides dot-files.
const TOP_LEVEL: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "LICENSE",
    "README.md",
    "frontend",
    "metadata-raft",
    "storage-cell",
    "tiering",
    "sdk",
    "infra",
    "loadtest",
    "target",
    "cellar-data",
];

/// Words in a path that mark a format or codec file, which may be longer.
const CODEC_WORDS: &[&str] = &["codec", "format", "encode", "decode", "frame"];

/// Checks every rule and lists every breach.
///
/// # Errors
/// A file that cannot be read, or the number of breaches after they have been printed.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut breaches = Vec::new();
    top_level(root, &mut breaches)?;
    dependencies(root, &mut breaches)?;
    for folder in
        ["frontend", "metadata-raft", "storage-cell", "tiering", "sdk", "infra", "loadtest"]
    {
        let path = root.join(folder);
        if path.is_dir() {
            walk(root, &path, &mut breaches)?;
        }
    }
    if breaches.is_empty() {
        println!("xtask: tidy passed");
        return Ok(());
    }
    for breach in &breaches {
        eprintln!("tidy: {breach}");
    }
    bail!("tidy found {} breach(es) of the house rules", breaches.len())
}

fn top_level(root: &Path, breaches: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str()) {
            breaches.push(format!("{name}: may not stand at the top level"));
        }
    }
    Ok(())
}

/// Every dependency line of the root manifest carries a comment saying what it is for.
fn dependencies(root: &Path, breaches: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(root.join("Cargo.toml"))?;
    let section = text.split("[workspace.dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    for line in section.lines() {
        let outside = line.contains(" = ") && !line.contains("path = ") && !line.starts_with('#');
        if outside && !line.contains(" # ") {
            breaches.push(format!("Cargo.toml: no comment says what this is for: {line}"));
        }
    }
    Ok(())
}

fn walk(root: &Path, folder: &Path, breaches: &mut Vec<String>) -> Result<()> {
    let mut modules = 0;
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                walk(root, &path, breaches)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            modules += 1;
            source(root, &path, breaches)?;
        }
    }
    if modules > FOLDER_MODULES_MAX && !is_test(folder) {
        let place = shown(root, folder);
        breaches.push(format!("{place}: {modules} modules, at most {FOLDER_MODULES_MAX}"));
    }
    Ok(())
}

fn source(root: &Path, path: &Path, breaches: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let place = shown(root, path);
    if !text.starts_with("//!") && !is_test(path) {
        breaches.push(format!("{place}:1: no `//!` header says what the file is"));
    }
    let production =
        text.lines().take_while(|line| !line.trim_start().starts_with("#[cfg(test)]")).count();
    let most = if CODEC_WORDS.iter().any(|word| place.contains(word)) {
        CODEC_LINES_MAX
    } else {
        FILE_LINES_MAX
    };
    if production > most && !is_test(path) {
        breaches.push(format!("{place}: {production} production lines, at most {most}"));
    }
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        let text_of_a_test = is_test(path) || line.contains('"');
        if line.chars().count() > LINE_CHARS_MAX && !text_of_a_test {
            breaches.push(format!("{place}:{number}: over {LINE_CHARS_MAX} characters"));
        }
        let marks = [concat!("TO", "DO"), concat!("FIX", "ME")];
        if marks.iter().any(|mark| line.contains(mark)) {
            breaches.push(format!("{place}:{number}: an open mark; finish it or file an issue"));
        }
    }
    Ok(())
}

fn is_test(path: &Path) -> bool {
    path.components()
        .any(|part| ["tests", "benches", "fuzz"].iter().any(|t| part.as_os_str() == *t))
}

fn shown(root: &Path, path: &Path) -> String {
    let relative: PathBuf = path.strip_prefix(root).unwrap_or(path).to_path_buf();
    relative.display().to_string()
}
