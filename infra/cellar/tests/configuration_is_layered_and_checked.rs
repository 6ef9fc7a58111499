//! The binary itself: layers, origins, suggestions and exit codes, seen from outside.

#![allow(clippy::unwrap_used, reason = "test helpers")]

use std::process::{Command, Output};

fn cellar(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cellar"))
        .args(arguments)
        .env("CELLAR__HTTP", "127.0.0.1:18080")
        .output()
        .unwrap()
}

#[test]
fn show_prints_each_value_with_the_layer_it_comes_from() {
    let output = cellar(&["config", "show", "--origin", "--cql", "127.0.0.2:9042"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(text.contains("cql = \"127.0.0.2:9042\"  # flag --cql\n"), "{text}");
    assert!(text.contains("http = \"127.0.0.1:18080\"  # environment variable CELLAR__HTTP\n"));
    assert!(text.contains("datacenter = \"dc1\"  # default\n"), "{text}");
}

#[test]
fn a_wrong_key_in_the_file_ends_with_status_2_and_a_suggestion() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cellar.toml");
    std::fs::write(&file, "objectstore = \"file:/tmp/x\"\n").unwrap();
    let output = cellar(&["config", "check", "--config-file", file.to_str().unwrap()]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("did you mean `object-store`?"), "{text}");
}
