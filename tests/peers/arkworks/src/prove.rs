//! The prover of ark-groth16 on a key of snarkjs.

use ark_bn254::{Bn254, Fr};
use ark_ff::{PrimeField, UniformRand};
use ark_groth16::r1cs_to_qap::{evaluate_constraint, R1CSToQAP};
use ark_groth16::{Groth16, Proof};
use ark_poly::EvaluationDomain;
use ark_relations::gr1cs::{ConstraintSystemRef, Result as Synthesis, SynthesisError};
use ark_relations::utils::matrix::Matrix;
use ark_std::rand::rngs::OsRng;
use ark_std::{cfg_into_iter, cfg_iter_mut};
#[cfg(feature = "parallel")]
use rayon::prelude::*;

use crate::documents::proof_text;
use crate::inputs::{decimal, Inputs};
use crate::zkey::{read_key, read_witness, Key};
use crate::{Outcome, Task};

/// From rows to what H is multiplied by: such keys hold H in the Lagrange basis of the odd powers of
/// a root of unity of order 2n, so A·B − C there is all that is asked for. Nothing is divided, and
/// nothing transformed back.
struct OddCoset;

impl R1CSToQAP for OddCoset {
    fn witness_map_from_matrices<F: PrimeField, D: EvaluationDomain<F>>(
        matrices: &[Matrix<F>],
        _inputs: usize,
        rows: usize,
        assignment: &[F],
    ) -> Synthesis<Vec<F>> {
        let domain = D::new(rows).ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
        let twice = D::new(2 * rows).ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
        let coset = domain
            .get_coset(twice.group_gen())
            .ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
        let product = |matrix: &Matrix<F>| -> Vec<F> {
            cfg_into_iter!(0..rows)
                .map(|i| evaluate_constraint(&matrix[i], assignment))
                .collect()
        };
        let moved = |mut values: Vec<F>| {
            domain.ifft_in_place(&mut values);
            coset.fft_in_place(&mut values);
            values
        };
        let (a, b) = (product(&matrices[0]), product(&matrices[1]));
        let c = domain.mul_polynomials_in_evaluation_domain(&a, &b);
        let (a, b) = (moved(a), moved(b));
        let mut ab = domain.mul_polynomials_in_evaluation_domain(&a, &b);
        drop((a, b));
        let c = moved(c);
        cfg_iter_mut!(ab).zip(c).for_each(|(ab, c)| *ab -= c);
        Ok(ab)
    }

    /// Keys come from snarkjs: this reduction is for proving alone.
    fn instance_map_with_evaluation<F: PrimeField, D: EvaluationDomain<F>>(
        _: ConstraintSystemRef<F>,
        _: &F,
    ) -> Synthesis<(Vec<F>, Vec<F>, Vec<F>, F, usize, usize)> {
        Err(SynthesisError::MissingCS)
    }

    fn h_query_scalars<F: PrimeField, D: EvaluationDomain<F>>(
        _: usize,
        _: F,
        _: F,
        _: F,
    ) -> Synthesis<Vec<F>> {
        Err(SynthesisError::MissingCS)
    }
}

struct Prove {
    key: Key,
    witness: Vec<Fr>,
    blinding: Option<(Fr, Fr)>,
    proof: Option<Proof<Bn254>>,
}

impl Task for Prove {
    fn run(&mut self) -> Outcome<()> {
        let draw = || Fr::rand(&mut OsRng);
        let (r, s) = self.blinding.unwrap_or_else(|| (draw(), draw()));
        let proof = Groth16::<Bn254, OddCoset>::create_proof_with_reduction_and_matrices(
            &self.key.proving,
            r,
            s,
            &self.key.matrices,
            self.key.publics + 1,
            self.key.domain,
            &self.witness,
        );
        self.proof = Some(proof.map_err(|error| error.to_string())?);
        Ok(())
    }

    fn output(&mut self) -> Outcome<String> {
        Ok(proof_text(self.proof.as_ref().ok_or("there is no proof")?))
    }
}

pub fn prove(size: usize, given: &Inputs) -> Outcome<Box<dyn Task>> {
    let key = read_key(&given.bytes("zkey")?)?;
    if key.domain != size {
        return Err(format!(
            "the key has a domain of {}, not {size}",
            key.domain
        ));
    }
    let witness = read_witness(&given.bytes("wtns")?)?;
    if witness.len() != key.wires {
        return Err(format!(
            "the witness has {} values, the key {} wires",
            witness.len(),
            key.wires
        ));
    }
    let blinding = match (given.has("r"), given.has("s")) {
        (true, true) => Some((decimal(&given.text("r")?)?, decimal(&given.text("s")?)?)),
        (false, false) => None,
        _ => return Err("r and s are given together or not at all".into()),
    };
    Ok(Box::new(Prove {
        key,
        witness,
        blinding,
        proof: None,
    }))
}
