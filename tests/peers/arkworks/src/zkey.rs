//! Keys and witnesses of snarkjs as ark-groth16 keeps them.

use std::collections::HashMap;

use ark_bn254::{Bn254, Fq, Fr, G1Affine, G2Affine};
use ark_ff::{BigInt, BigInteger, PrimeField};
use ark_groth16::{ProvingKey, VerifyingKey};
use ark_relations::utils::matrix::Matrix;

use crate::inputs::{rows, Row};
use crate::Outcome;

pub struct Key {
    pub wires: usize,
    /// Public inputs, the constant one not counted.
    pub publics: usize,
    pub domain: usize,
    pub proving: ProvingKey<Bn254>,
    /// A and B; a row for each element of the domain, those of the public inputs included.
    pub matrices: [Matrix<Fr>; 2],
}

const COEFFICIENT: usize = 12 + 32;
const MOST_DOMAIN: usize = 1 << 27;

/// Splits a container of the iden3 file formats.
fn sections<'a>(data: &'a [u8], magic: &str) -> Outcome<HashMap<u32, &'a [u8]>> {
    let early = || format!("the .{magic} file ends early");
    if data.len() < 12 || &data[..4] != magic.as_bytes() {
        return Err(format!("this is no .{magic} file"));
    }
    let (mut found, mut rest) = (HashMap::new(), &data[12..]);
    for _ in 0..word(data, 8) {
        if rest.len() < 12 {
            return Err(early());
        }
        let size = u64::from_le_bytes(rest[4..12].try_into().unwrap());
        let size = usize::try_from(size).map_err(|_| early())?;
        let number = word(rest, 0);
        rest = &rest[12..];
        if size > rest.len() {
            return Err(early());
        }
        found.insert(number, &rest[..size]);
        rest = &rest[size..];
    }
    Ok(found)
}

fn word(data: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(data[at..at + 4].try_into().unwrap())
}

/// A modulus as the headers name it: its length, then its bytes.
fn field<F: PrimeField>() -> Vec<u8> {
    [&32u32.to_le_bytes()[..], &F::MODULUS.to_bytes_le()].concat()
}

pub fn read_key(data: &[u8]) -> Outcome<Key> {
    let found = sections(data, "zkey")?;
    let section = |number: u32| {
        found
            .get(&number)
            .copied()
            .ok_or_else(|| format!("section {number} of the key is missing"))
    };
    if section(1)? != 1u32.to_le_bytes() {
        return Err("this is no key of groth16".into());
    }
    let fields = [field::<Fq>(), field::<Fr>()].concat();
    let header = section(2)?;
    if header.len() != fields.len() + 12 + 3 * 64 + 3 * 128 || !header.starts_with(&fields) {
        return Err("this is no key of BN254".into());
    }
    let header = &header[fields.len()..];
    let [wires, publics, domain] = [0, 4, 8].map(|at| word(header, at) as usize);
    if publics >= wires || !domain.is_power_of_two() || domain > MOST_DOMAIN {
        return Err("the sizes in this key cannot be".into());
    }
    let points = &header[12..];
    let g1 = |at: usize| G1Affine::read(&points[at..]);
    let g2 = |at: usize| G2Affine::read(&points[at..]);
    let proving = ProvingKey {
        vk: VerifyingKey {
            alpha_g1: g1(0),
            beta_g2: g2(128),
            gamma_g2: g2(256),
            delta_g2: g2(448),
            gamma_abc_g1: rows(section(3)?, "IC", publics + 1)?,
        },
        beta_g1: g1(64),
        delta_g1: g1(384),
        a_query: rows(section(5)?, "A", wires)?,
        b_g1_query: rows(section(6)?, "B1", wires)?,
        b_g2_query: rows(section(7)?, "B2", wires)?,
        l_query: rows(section(8)?, "C", wires - publics - 1)?,
        h_query: rows(section(9)?, "H", domain)?,
    };
    let matrices = read_matrices(section(4)?, domain, wires)?;
    Ok(Key {
        wires,
        publics,
        domain,
        proving,
        matrices,
    })
}

/// The file holds R²·v as a number, which is one reduction away from the Montgomery form of v.
fn read_matrices(data: &[u8], domain: usize, wires: usize) -> Outcome<[Matrix<Fr>; 2]> {
    if data.len() < 4 || data.len() - 4 != word(data, 0) as usize * COEFFICIENT {
        return Err("the coefficients have another number than they say".into());
    }
    let reduction = Fr::new_unchecked(BigInt::one());
    let mut both: [Matrix<Fr>; 2] = [vec![Vec::new(); domain], vec![Vec::new(); domain]];
    for item in data[4..].chunks_exact(COEFFICIENT) {
        let [which, row, wire] = [0, 4, 8].map(|at| word(item, at) as usize);
        if which > 1 || row >= domain || wire >= wires {
            return Err("a coefficient lies outside its matrix".into());
        }
        both[which][row].push((Fr::read(&item[12..]) * reduction, wire));
    }
    Ok(both)
}

/// Values of all wires.
pub fn read_witness(data: &[u8]) -> Outcome<Vec<Fr>> {
    let found = sections(data, "wtns")?;
    let (header, field) = (found.get(&1).copied().unwrap_or_default(), field::<Fr>());
    if header.len() != field.len() + 4 || !header.starts_with(&field) {
        return Err("this is no witness over the scalar field of BN254".into());
    }
    let count = word(header, field.len()) as usize;
    let values: Vec<BigInt<4>> = rows(found.get(&2).copied().unwrap_or_default(), "wtns", count)?;
    values
        .into_iter()
        .map(|value| Fr::from_bigint(value).ok_or_else(|| "a value is not below r".to_string()))
        .collect()
}
