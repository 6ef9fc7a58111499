//! A target with every fault that fuzzing is to find, so that tests can see that it does: an input
//! that contains the word of a fault has it.

use super::{Broken, Outcome, Signature, Target};

pub(crate) struct Faulty;

/// Which fault the target has, unless it has none.
const FAULT: &str = "CELLAR_FUZZ_FAULT";

const WORDS: [&[u8]; 5] = [b"panic", b"law", b"recursion", b"memory", b"hang"];

impl Target for Faulty {
    fn seeds(&self) -> Vec<Vec<u8>> {
        vec![b"harmless".to_vec()]
    }

    fn words(&self) -> Vec<&'static [u8]> {
        WORDS.to_vec()
    }

    #[expect(clippy::panic, reason = "that is what it is for")]
    fn run(&self, input: &[u8]) -> Outcome {
        let fault = std::env::var(FAULT).unwrap_or_default();
        let word = fault.as_bytes();
        if word.is_empty() || !input.windows(word.len()).any(|piece| piece == word) {
            return Ok(Signature::default());
        }
        match fault.as_str() {
            "panic" => panic!("as asked"),
            "law" => return Err(Broken("as asked".to_owned())),
            "recursion" => _ = recurse(u64::from(input.is_empty())),
            "memory" => {
                let held: Vec<u8> = vec![1; 1 << 30];
                return Err(Broken(format!("{} bytes were there", held.len())));
            }
            _ => loop {
                std::thread::park();
            },
        }
        Ok(Signature::default())
    }
}

/// Goes as deep as it can: with what it holds it cannot become a loop.
fn recurse(depth: u64) -> u64 {
    let held = std::hint::black_box([depth; 16]);
    if depth == u64::MAX {
        return 0;
    }
    recurse(std::hint::black_box(depth.wrapping_add(2)))
        .wrapping_add(held.iter().max().map_or(0, |d| *d))
}
