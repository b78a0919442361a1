//! Inputs of a request, and values in the forms of the protocol.

use ark_bn254::{g1, g2, Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ec::AffineRepr;
use ark_ff::{BigInt, BigInteger, PrimeField};
use num_bigint::BigUint;
use serde_json::Value;

use crate::Outcome;

/// Paths and values by name.
pub struct Inputs<'a>(pub &'a Value);

impl Inputs<'_> {
    pub fn has(&self, name: &str) -> bool {
        !self.0[name].is_null()
    }

    pub fn text(&self, name: &str) -> Outcome<String> {
        match &self.0[name] {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(format!("the input \"{name}\" is missing")),
        }
    }

    pub fn bytes(&self, name: &str) -> Outcome<Vec<u8>> {
        let path = self.text(name)?;
        std::fs::read(&path).map_err(|error| format!("{path}: {error}"))
    }

    pub fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Outcome<T> {
        serde_json::from_slice(&self.bytes(name)?).map_err(|error| format!("{name}: {error}"))
    }

    /// Bytes written as hexadecimal digits.
    pub fn hex(&self, name: &str) -> Outcome<Vec<u8>> {
        let text = self.text(name)?;
        if !text.is_ascii() || text.len() % 2 != 0 {
            return Err(format!("{name} is not hexadecimal"));
        }
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16))
            .collect::<Result<_, _>>()
            .map_err(|error| format!("{name}: {error}"))
    }

    /// A raw file of exactly `count` rows.
    pub fn rows<T: Row>(&self, name: &str, count: usize) -> Outcome<Vec<T>> {
        rows(&self.bytes(name)?, name, count)
    }
}

/// A value as it lies in a raw file: 64-bit little-endian limbs.
pub trait Row: Sized {
    const BYTES: usize;
    fn read(data: &[u8]) -> Self;
}

pub fn rows<T: Row>(data: &[u8], name: &str, count: usize) -> Outcome<Vec<T>> {
    if data.len() != count * T::BYTES {
        return Err(format!(
            "{name} holds {} bytes, not {}",
            data.len(),
            count * T::BYTES
        ));
    }
    Ok(data.chunks_exact(T::BYTES).map(T::read).collect())
}

impl Row for BigInt<4> {
    const BYTES: usize = 32;

    fn read(data: &[u8]) -> Self {
        let limb = |i: usize| u64::from_le_bytes(data[8 * i..8 * i + 8].try_into().unwrap());
        BigInt([limb(0), limb(1), limb(2), limb(3)])
    }
}

/// In Montgomery form, which is how the library holds it.
impl Row for Fr {
    const BYTES: usize = 32;

    fn read(data: &[u8]) -> Self {
        Fr::new_unchecked(Row::read(data))
    }
}

impl Row for Fq {
    const BYTES: usize = 32;

    fn read(data: &[u8]) -> Self {
        Fq::new_unchecked(Row::read(data))
    }
}

/// Zeros are the point at infinity, in the library as well.
impl Row for Affine<g1::Config> {
    const BYTES: usize = 64;

    fn read(data: &[u8]) -> Self {
        G1Affine::new_unchecked(Fq::read(data), Fq::read(&data[32..]))
    }
}

impl Row for Affine<g2::Config> {
    const BYTES: usize = 128;

    fn read(data: &[u8]) -> Self {
        let pair = |at: usize| Fq2::new(Fq::read(&data[at..]), Fq::read(&data[at + 32..]));
        G2Affine::new_unchecked(pair(0), pair(64))
    }
}

/// A number below the modulus from 32 big-endian bytes.
pub fn element<F: PrimeField<BigInt = BigInt<4>>>(data: &[u8]) -> Outcome<F> {
    if data.len() != 32 {
        return Err(format!("{} bytes where 32 are due", data.len()));
    }
    below(BigUint::from_bytes_be(data))
}

/// A number below the modulus from decimal digits.
pub fn decimal<F: PrimeField<BigInt = BigInt<4>>>(text: &str) -> Outcome<F> {
    if text.is_empty() || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err("a number is not decimal".into());
    }
    below(text.parse().map_err(|_| "a number is not decimal")?)
}

fn below<F: PrimeField<BigInt = BigInt<4>>>(value: BigUint) -> Outcome<F> {
    BigInt::try_from(value)
        .ok()
        .and_then(F::from_bigint)
        .ok_or_else(|| "a number is not below the modulus".into())
}

pub fn hex(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect()
}

// Points as the precompiles of EIP-196 and EIP-197 have them: imaginary parts first, zeros for
// infinity.

pub fn evm_g1(point: &G1Affine) -> String {
    point.xy().map_or("0".repeat(128), |(x, y)| words(&[x, y]))
}

pub fn evm_g2(point: &G2Affine) -> String {
    point
        .xy()
        .map_or("0".repeat(256), |(x, y)| words(&[x.c1, x.c0, y.c1, y.c0]))
}

fn words(parts: &[Fq]) -> String {
    parts
        .iter()
        .map(|part| hex(&part.into_bigint().to_bytes_be()))
        .collect()
}

pub fn read_evm_g1(data: &[u8]) -> Outcome<G1Affine> {
    let parts = elements(data, 2)?;
    in_group(G1Affine::new_unchecked(parts[0], parts[1]))
}

pub fn read_evm_g2(data: &[u8]) -> Outcome<G2Affine> {
    let parts = elements(data, 4)?;
    in_group(G2Affine::new_unchecked(
        Fq2::new(parts[1], parts[0]),
        Fq2::new(parts[3], parts[2]),
    ))
}

fn elements(data: &[u8], count: usize) -> Outcome<Vec<Fq>> {
    if data.len() != 32 * count {
        return Err(format!("{} bytes where {} are due", data.len(), 32 * count));
    }
    data.chunks_exact(32).map(element).collect()
}

/// Whether the point is one of the group.
pub fn is_in_group<P: SWCurveConfig>(point: &Affine<P>) -> bool {
    point.is_zero() || (point.is_on_curve() && point.is_in_correct_subgroup_assuming_on_curve())
}

/// The point, where it is one of the group.
fn in_group<P: SWCurveConfig>(point: Affine<P>) -> Outcome<Affine<P>> {
    if is_in_group(&point) {
        return Ok(point);
    }
    Err("a point is not in its group".into())
}
