//! Tells the compiler about the one `cfg` that `cargo xtask simulate` builds with.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(tokio_unstable)");
}
