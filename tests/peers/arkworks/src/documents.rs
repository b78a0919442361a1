//! The JSON documents of snarkjs: numbers are decimal texts, points projective with z = 0 or 1.

use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_groth16::{Proof, VerifyingKey};
use serde_json::{json, Value};

use crate::inputs::decimal;
use crate::Outcome;

pub fn proof_text(proof: &Proof<Bn254>) -> String {
    let document = json!({
        "pi_a": g1_document(&proof.a),
        "pi_b": g2_document(&proof.b),
        "pi_c": g1_document(&proof.c),
        "protocol": "groth16",
        "curve": "bn128",
    });
    document.to_string()
}

fn g1_document(point: &G1Affine) -> Value {
    match point.xy() {
        None => json!(["0", "1", "0"]),
        Some((x, y)) => json!([x.to_string(), y.to_string(), "1"]),
    }
}

fn g2_document(point: &G2Affine) -> Value {
    let pair = |z: Fq2| json!([z.c0.to_string(), z.c1.to_string()]);
    match point.xy() {
        None => json!([["0", "0"], ["1", "0"], ["0", "0"]]),
        Some((x, y)) => json!([pair(x), pair(y), ["1", "0"]]),
    }
}

/// Coordinates are below the modulus; whether they are those of a point is for the verifier to say.
pub fn read_proof(document: &Value) -> Outcome<Proof<Bn254>> {
    Ok(Proof {
        a: g1(&document["pi_a"])?,
        b: g2(&document["pi_b"])?,
        c: g1(&document["pi_c"])?,
    })
}

pub fn read_verifying_key(document: &Value) -> Outcome<VerifyingKey<Bn254>> {
    let points = document["IC"].as_array().ok_or("the key has no IC")?;
    if document["protocol"] != "groth16"
        || document["nPublic"] != json!(points.len().wrapping_sub(1))
    {
        return Err("this is no verifying key of groth16".into());
    }
    Ok(VerifyingKey {
        alpha_g1: g1(&document["vk_alpha_1"])?,
        beta_g2: g2(&document["vk_beta_2"])?,
        gamma_g2: g2(&document["vk_gamma_2"])?,
        delta_g2: g2(&document["vk_delta_2"])?,
        gamma_abc_g1: points.iter().map(g1).collect::<Outcome<_>>()?,
    })
}

pub fn read_public(document: &[String]) -> Outcome<Vec<Fr>> {
    document.iter().map(|text| decimal(text)).collect()
}

fn g1(document: &Value) -> Outcome<G1Affine> {
    let [x, y, z] = triple(document)?;
    match z.as_str() {
        Some("0") => Ok(G1Affine::zero()),
        Some("1") => Ok(G1Affine::new_unchecked(coordinate(x)?, coordinate(y)?)),
        _ => Err("z is neither 0 nor 1".into()),
    }
}

fn g2(document: &Value) -> Outcome<G2Affine> {
    let [x, y, z] = triple(document)?;
    let pair = |value: &Value| match value.as_array().map(Vec::as_slice) {
        Some([c0, c1]) => Ok(Fq2::new(coordinate(c0)?, coordinate(c1)?)),
        _ => Err("no pair of coordinates".to_string()),
    };
    if *z == json!(["0", "0"]) {
        return Ok(G2Affine::zero());
    }
    if *z != json!(["1", "0"]) {
        return Err("z is neither 0 nor 1".into());
    }
    Ok(G2Affine::new_unchecked(pair(x)?, pair(y)?))
}

fn triple(document: &Value) -> Outcome<[&Value; 3]> {
    match document.as_array().map(Vec::as_slice) {
        Some([x, y, z]) => Ok([x, y, z]),
        _ => Err("no point of three coordinates".into()),
    }
}

fn coordinate(value: &Value) -> Outcome<Fq> {
    decimal(value.as_str().ok_or("a coordinate is no text")?)
}
