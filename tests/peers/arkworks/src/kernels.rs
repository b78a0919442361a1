//! Fields, sums, transforms and pairings.

use ark_bn254::{Bn254, Fq, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::pairing::{Pairing, PairingOutput};
use ark_ec::{CurveGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, BigInt, BigInteger, PrimeField};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use ark_serialize::CanonicalSerialize;
use sha2::{Digest, Sha256};

use crate::inputs::{self, evm_g1, evm_g2, hex, Inputs};
use crate::{Outcome, Task};

// --- fields ---

struct Products<F> {
    x: F,
    y: F,
    z: F,
    count: usize,
}

impl<F: PrimeField> Task for Products<F> {
    fn reset(&mut self) {
        self.z = self.x;
    }

    fn run(&mut self) -> Outcome<()> {
        let mut z = self.z;
        for _ in 0..self.count {
            z *= &self.y;
        }
        self.z = z;
        Ok(())
    }

    fn output(&mut self) -> Outcome<String> {
        Ok(hex(&self.z.into_bigint().to_bytes_be()))
    }
}

fn products<F: PrimeField<BigInt = BigInt<4>>>(
    count: usize,
    given: &Inputs,
) -> Outcome<Box<dyn Task>> {
    let (x, y) = (
        inputs::element(&given.hex("x")?)?,
        inputs::element(&given.hex("y")?)?,
    );
    Ok(Box::new(Products::<F> { x, y, z: x, count }))
}

pub fn fp_mul(size: usize, given: &Inputs) -> Outcome<Box<dyn Task>> {
    products::<Fq>(size, given)
}

pub fn fr_mul(size: usize, given: &Inputs) -> Outcome<Box<dyn Task>> {
    products::<Fr>(size, given)
}

// --- multi-scalar multiplication ---

/// Scalars are numbers here, as the library's `msm_bigint` takes them: nothing is left to convert.
struct Sum<G: CurveGroup + VariableBaseMSM> {
    points: Vec<G::MulBase>,
    scalars: Vec<<G::ScalarField as PrimeField>::BigInt>,
    total: G,
    encode: fn(&G::Affine) -> String,
}

impl<G: CurveGroup + VariableBaseMSM> Task for Sum<G> {
    fn run(&mut self) -> Outcome<()> {
        self.total = G::msm_bigint(&self.points, &self.scalars);
        Ok(())
    }

    fn output(&mut self) -> Outcome<String> {
        Ok((self.encode)(&self.total.into_affine()))
    }
}

pub fn msm_g1(size: usize, given: &Inputs) -> Outcome<Box<dyn Task>> {
    Ok(Box::new(Sum::<G1Projective> {
        points: given.rows::<G1Affine>("points", size)?,
        scalars: given.rows("scalars", size)?,
        total: G1Projective::ZERO,
        encode: evm_g1,
    }))
}

pub fn msm_g2(size: usize, given: &Inputs) -> Outcome<Box<dyn Task>> {
    Ok(Box::new(Sum::<G2Projective> {
        points: given.rows::<G2Affine>("points", size)?,
        scalars: given.rows("scalars", size)?,
        total: G2Projective::ZERO,
        encode: evm_g2,
    }))
}

// --- transforms ---

/// The library's transform takes and gives natural order.
struct Transform {
    domain: Radix2EvaluationDomain<Fr>,
    values: Vec<Fr>,
    work: Vec<Fr>,
}

impl Task for Transform {
    fn reset(&mut self) {
        self.work.clone_from(&self.values);
    }

    fn run(&mut self) -> Outcome<()> {
        self.domain.fft_in_place(&mut self.work);
        Ok(())
    }

    fn output(&mut self) -> Outcome<String> {
        let mut digest = Sha256::new();
        for value in &self.work {
            digest.update(value.into_bigint().to_bytes_le());
        }
        Ok(hex(&digest.finalize()))
    }
}

pub fn ntt(size: usize, given: &Inputs) -> Outcome<Box<dyn Task>> {
    if !size.is_power_of_two() {
        return Err(format!("{size} is no power of two"));
    }
    let values = given.rows("values", size)?;
    let domain = Radix2EvaluationDomain::new(size).ok_or("no domain is so large")?;
    Ok(Box::new(Transform {
        domain,
        work: Vec::new(),
        values,
    }))
}

// --- pairings ---

struct Pair {
    left: G1Affine,
    right: G2Affine,
    value: PairingOutput<Bn254>,
}

impl Task for Pair {
    fn run(&mut self) -> Outcome<()> {
        self.value = Bn254::pairing(self.left, self.right);
        Ok(())
    }

    fn output(&mut self) -> Outcome<String> {
        let mut bytes = Vec::new();
        self.value
            .serialize_compressed(&mut bytes)
            .map_err(|error| error.to_string())?;
        Ok(hex(&Sha256::digest(&bytes)))
    }
}

pub fn pairing(size: usize, given: &Inputs) -> Outcome<Box<dyn Task>> {
    if size != 1 {
        return Err("one pairing at a time".into());
    }
    Ok(Box::new(Pair {
        left: inputs::read_evm_g1(&given.hex("g1")?)?,
        right: inputs::read_evm_g2(&given.hex("g2")?)?,
        value: PairingOutput::ZERO,
    }))
}
