//! The verifier of ark-groth16.

use ark_bn254::{Bn254, Fr};
use ark_groth16::{prepare_verifying_key, Groth16, PreparedVerifyingKey, Proof};
use serde_json::Value;

use crate::documents::{read_proof, read_public, read_verifying_key};
use crate::inputs::{is_in_group, Inputs};
use crate::{Outcome, Task};

/// The clock runs over the group checks of the proof, which the library leaves to whoever reads one,
/// and over its `verify_proof` with a prepared key.
struct Verify {
    key: PreparedVerifyingKey<Bn254>,
    /// Nothing where the documents cannot be a proof of a statement.
    given: Option<(Proof<Bn254>, Vec<Fr>)>,
    valid: bool,
}

impl Task for Verify {
    fn run(&mut self) -> Outcome<()> {
        self.valid = false;
        if let Some((proof, public)) = &self.given {
            if in_groups(proof) {
                self.valid = Groth16::<Bn254>::verify_proof(&self.key, proof, public)
                    .map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    fn output(&mut self) -> Outcome<String> {
        Ok(if self.valid { "01" } else { "00" }.into())
    }
}

fn in_groups(proof: &Proof<Bn254>) -> bool {
    is_in_group(&proof.a) && is_in_group(&proof.c) && is_in_group(&proof.b)
}

pub fn verify(size: usize, given: &Inputs) -> Outcome<Box<dyn Task>> {
    if size != 1 {
        return Err("one proof at a time".into());
    }
    let key = read_verifying_key(&given.json("vk")?)?;
    if !key
        .gamma_abc_g1
        .iter()
        .chain([&key.alpha_g1])
        .all(is_in_group)
        || ![key.beta_g2, key.gamma_g2, key.delta_g2]
            .iter()
            .all(is_in_group)
    {
        return Err("a point of the key is not in its group".into());
    }
    let texts: Vec<String> = given.json("public")?;
    if texts.len() + 1 != key.gamma_abc_g1.len() {
        return Err(format!(
            "the key is for {} public inputs",
            key.gamma_abc_g1.len() - 1
        ));
    }
    let proof = read_proof(&given.json::<Value>("proof")?);
    let given = proof.ok().zip(read_public(&texts).ok());
    Ok(Box::new(Verify {
        key: prepare_verifying_key(&key),
        given,
        valid: false,
    }))
}
