//! Writes what arkworks makes of x³ + x + 5 = y and x² = z: a key and a proof, compressed and not,
//! and single points of both groups. Its random numbers come from a fixed seed: each run gives the
//! same bytes.

use ark_bn254::{Bn254, Fq, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, PrimeField};
use ark_groth16::Groth16;
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, SynthesisError, Variable,
};
use ark_serialize::CanonicalSerialize;
use ark_snark::SNARK;
use ark_std::rand::{rngs::StdRng, SeedableRng};
use serde_json::{json, Map, Value};

const SEED: u64 = 20_260_101;

struct Cubic {
    x: u64,
}

impl ConstraintSynthesizer<Fr> for Cubic {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let x = Fr::from(self.x);
        let y = cs.new_input_variable(|| Ok(x * x * x + x + Fr::from(5u64)))?;
        let z = cs.new_input_variable(|| Ok(x.square()))?;
        let input = cs.new_witness_variable(|| Ok(x))?;
        let one = |variable: Variable| LinearCombination::from(variable);
        cs.enforce_r1cs_constraint(|| one(input), || one(input), || one(z))?;
        let rest = one(y) - (Fr::ONE, input) - (Fr::from(5u64), Variable::One);
        cs.enforce_r1cs_constraint(|| one(z), || one(input), || rest.clone())
    }
}

/// Both forms of a value.
fn forms(value: &impl CanonicalSerialize) -> Value {
    let mut compressed = Vec::new();
    value.serialize_compressed(&mut compressed).expect("memory");
    let mut uncompressed = Vec::new();
    value.serialize_uncompressed(&mut uncompressed).expect("memory");
    json!({ "compressed": hex(&compressed), "uncompressed": hex(&uncompressed) })
}

fn hex(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn number(value: &Fq) -> Value {
    json!(value.into_bigint().to_string())
}

fn g1(point: G1Affine) -> Value {
    let mut found = forms(&point);
    found["point"] = match point.xy() {
        None => Value::Null,
        Some((x, y)) => json!([number(&x), number(&y)]),
    };
    found
}

fn g2(point: G2Affine) -> Value {
    let mut found = forms(&point);
    found["point"] = match point.xy() {
        None => Value::Null,
        Some((x, y)) => json!([
            [number(&x.c0), number(&x.c1)],
            [number(&y.c0), number(&y.c1)]
        ]),
    };
    found
}

fn points() -> (Map<String, Value>, Map<String, Value>) {
    let (one, two) = (G1Affine::generator(), G2Affine::generator());
    let mut first = Map::new();
    let mut second = Map::new();
    first.insert("infinity".into(), g1(G1Affine::zero()));
    second.insert("infinity".into(), g2(G2Affine::zero()));
    first.insert("-G".into(), g1(-one));
    second.insert("-G".into(), g2(-two));
    for factor in 1u64..=6 {
        let scalar = Fr::from(factor * factor * factor);
        let name = format!("{}G", factor * factor * factor);
        first.insert(name.clone(), g1((one * scalar).into_affine()));
        second.insert(name, g2((two * scalar).into_affine()));
    }
    (first, second)
}

fn main() {
    let mut random = StdRng::seed_from_u64(SEED);
    let (proving, verifying) =
        Groth16::<Bn254>::circuit_specific_setup(Cubic { x: 3 }, &mut random).expect("a setup");
    let proof = Groth16::<Bn254>::prove(&proving, Cubic { x: 3 }, &mut random).expect("a proof");
    let public = [Fr::from(35u64), Fr::from(9u64)];
    assert!(Groth16::<Bn254>::verify(&verifying, &public, &proof).expect("a verdict"));
    let (first, second) = points();
    let document = json!({
        "public": public.map(|value| value.into_bigint().to_string()),
        "proof": forms(&proof),
        "key": forms(&verifying),
        "g1": first,
        "g2": second,
    });
    println!("{document}");
}
