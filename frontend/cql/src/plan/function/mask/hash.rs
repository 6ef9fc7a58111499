//! `mask_hash`: a digest in place of a value.

use bytes::Bytes;
use cellar_schema::{CqlType, value};
use md5::Md5;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::super::ScalarFn;
use super::super::choose::Call;
use crate::plan::PlanError;

const PARAMETERS: [&str; 2] = ["any", "[text]"];

/// `mask_hash(value)` and `mask_hash(value, algorithm)`, SHA-256 where none is named.
pub(super) fn find(call: &Call<'_>) -> Result<ScalarFn, PlanError> {
    let types = call.types(&PARAMETERS, 1)?;
    let of = types.into_iter().next().flatten().ok_or_else(|| call.untold(0, &PARAMETERS))?;
    let mut arguments = vec![of];
    if call.arguments.len() > 1 {
        arguments.push(CqlType::Text);
    }
    call.check(&arguments)?;
    Ok(ScalarFn::pure(call.name, arguments, CqlType::Blob, |values| {
        let named = values.get(1).and_then(Option::as_ref);
        let algorithm = named.and_then(|name| value::as_str(name)).unwrap_or("SHA-256");
        let digest = algorithm_of(algorithm)?;
        Ok(values.first().and_then(Option::as_ref).map(|bytes| digest(bytes)))
    }))
}

/// The digests of the Java platform, but for the two that are broken worst.
fn algorithm_of(name: &str) -> Result<fn(&[u8]) -> Bytes, PlanError> {
    Ok(match name.to_ascii_uppercase().as_str() {
        "MD5" => digest::<Md5>,
        "SHA-224" => digest::<Sha224>,
        "SHA-256" => digest::<Sha256>,
        "SHA-384" => digest::<Sha384>,
        "SHA-512" => digest::<Sha512>,
        "SHA-1" | "SHA" | "MD2" => return Err(PlanError::not_built(format!("the hash {name}"))),
        _ => return Err(PlanError::invalid(format!("Hash algorithm not found: {name}"))),
    })
}

fn digest<D: Digest>(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&D::digest(bytes))
}
