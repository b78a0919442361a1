package main

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math/big"
	"sync"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// verifyingKey is what does not change from proof to proof: e(α, β) and −γ, −δ.
type verifyingKey struct {
	alpha              bn254.G1Affine
	beta, gamma, delta bn254.G2Affine // γ and δ negated
	ic                 []bn254.G1Affine
	alphaBeta          bn254.GT
}

func readVerifyingKey(in inputs) (*verifyingKey, error) {
	var document keyDocument
	if err := in.json("vk", &document); err != nil {
		return nil, err
	}
	if document.Protocol != "groth16" || len(document.IC) != document.Publics+1 {
		return nil, fmt.Errorf("this is no verifying key of groth16")
	}
	key := &verifyingKey{}
	var err error
	if key.alpha, err = document.Alpha.point(); err != nil {
		return nil, err
	}
	if !key.alpha.IsInSubGroup() {
		return nil, fmt.Errorf("a point of the key is not on the curve")
	}
	for text, into := range map[*g2Document]*bn254.G2Affine{
		&document.Beta: &key.beta, &document.Gamma: &key.gamma, &document.Delta: &key.delta,
	} {
		if *into, err = text.point(); err != nil {
			return nil, err
		}
		if !into.IsInSubGroup() {
			return nil, fmt.Errorf("a point of the key is not in its group")
		}
	}
	for _, text := range document.IC {
		point, err := text.point()
		if err != nil {
			return nil, err
		}
		if !point.IsInSubGroup() {
			return nil, fmt.Errorf("a point of the key is not on the curve")
		}
		key.ic = append(key.ic, point)
	}
	key.gamma.Neg(&key.gamma)
	key.delta.Neg(&key.delta)
	key.alphaBeta, err = bn254.Pair([]bn254.G1Affine{key.alpha}, []bn254.G2Affine{key.beta})
	return key, err
}

func verdict(valid *bool) func() (string, error) {
	return func() (string, error) {
		if *valid {
			return "01", nil
		}
		return "00", nil
	}
}

func (p *proof) inGroups() bool {
	return p.a.IsInSubGroup() && p.c.IsInSubGroup() && p.b.IsInSubGroup()
}

// prepareVerify: e(A, B)·e(IC(x), −γ)·e(C, −δ) = e(α, β), the right side computed beforehand. The
// clock runs over the group checks of the proof, IC(x) and the three pairings.
func prepareVerify(size, threads int, in inputs) (*task, error) {
	if size != 1 {
		return nil, fmt.Errorf("one proof at a time")
	}
	key, err := readVerifyingKey(in)
	if err != nil {
		return nil, err
	}
	var texts []string
	if err := in.json("public", &texts); err != nil {
		return nil, err
	}
	if len(texts)+1 != len(key.ic) {
		return nil, fmt.Errorf("the key is for %d public inputs", len(key.ic)-1)
	}
	var document proofDocument
	if err := in.json("proof", &document); err != nil {
		return nil, err
	}
	given, errProof := document.proof()
	public, errPublic := publicValues(texts)
	readable := errProof == nil && errPublic == nil
	var valid bool
	return &task{
		run: func() (err error) {
			valid = false
			if readable && given.inGroups() {
				valid, err = key.verify(&given, public, threads)
			}
			return err
		},
		output: verdict(&valid),
	}, nil
}

func (key *verifyingKey) verify(p *proof, public []fr.Element, threads int) (bool, error) {
	statement, err := key.statement(public, threads)
	if err != nil {
		return false, err
	}
	value, err := bn254.Pair(
		[]bn254.G1Affine{p.a, statement, p.c}, []bn254.G2Affine{p.b, key.gamma, key.delta},
	)
	return err == nil && value.Equal(&key.alphaBeta), err
}

// statement is IC₀ + Σ xᵢ·ICᵢ.
func (key *verifyingKey) statement(public []fr.Element, threads int) (z bn254.G1Affine, err error) {
	var sum bn254.G1Jac
	if len(public) > 0 {
		_, err = sum.MultiExp(key.ic[1:], public, ecc.MultiExpConfig{NbTasks: threads})
	}
	z.FromJacobian(sum.AddMixed(&key.ic[0]))
	return z, err
}

// --- many proofs at once ---

type batch struct {
	key     *verifyingKey
	proofs  []proof
	publics [][]fr.Element
	threads int
}

// prepareVerifyBatch: Π e(zᵢAᵢ, Bᵢ) · e(−Σzᵢ·α, β) · e(Σzᵢ·IC(xᵢ), −γ) · e(Σzᵢ·Cᵢ, −δ) = 1 for
// random zᵢ, with one final exponentiation. No library of this family ships it: this one is built
// from its kernels. The clock runs over the group checks, drawing of zᵢ, and all the rest.
func prepareVerifyBatch(size, threads int, in inputs) (*task, error) {
	key, err := readVerifyingKey(in)
	if err != nil {
		return nil, err
	}
	var texts [][]string
	if err := in.json("publics", &texts); err != nil {
		return nil, err
	}
	var documents []proofDocument
	if err := in.json("proofs", &documents); err != nil {
		return nil, err
	}
	if len(documents) != size || len(texts) != size {
		return nil, fmt.Errorf("there are %d proofs and %d statements, not %d",
			len(documents), len(texts), size)
	}
	b := &batch{key: key, threads: threads}
	readable := true
	for i := range documents {
		if len(texts[i])+1 != len(key.ic) {
			return nil, fmt.Errorf("the key is for %d public inputs", len(key.ic)-1)
		}
		given, errProof := documents[i].proof()
		public, errPublic := publicValues(texts[i])
		readable = readable && errProof == nil && errPublic == nil
		b.proofs, b.publics = append(b.proofs, given), append(b.publics, public)
	}
	var valid bool
	return &task{
		run: func() (err error) {
			valid = false
			if readable {
				valid, err = b.verify()
			}
			return err
		},
		output: verdict(&valid),
	}, nil
}

// lambda is what the endomorphism (x, y) ↦ (βx, y) of G1 multiplies by: a cube root of one.
var lambda = func() (z fr.Element) {
	z.SetString("4407920970296243842393367215006156084916469457145843978461")
	return z
}()

// weight is u + v·λ for random words u and v: 2^128 values, and as cheap to multiply by as a number
// of 64 bits, since the library splits scalars along λ.
func weight() (z fr.Element, err error) {
	var data [16]byte
	if _, err = rand.Read(data[:]); err != nil {
		return z, err
	}
	var v fr.Element
	z.SetUint64(binary.LittleEndian.Uint64(data[:8]))
	v.SetUint64(binary.LittleEndian.Uint64(data[8:]))
	v.Mul(&v, &lambda)
	z.Add(&z, &v)
	return z, nil
}

func (b *batch) verify() (bool, error) {
	n, publics := len(b.proofs), len(b.key.ic)-1
	weights, points := make([]fr.Element, n), make([]bn254.G1Affine, n)
	inputs := make([]fr.Element, publics+1) // Σ zᵢ·(1, xᵢ)
	for i := range weights {
		z, err := weight()
		if err != nil {
			return false, err
		}
		weights[i], points[i] = z, b.proofs[i].c
		inputs[0].Add(&inputs[0], &z)
		for j, x := range b.publics[i] {
			x.Mul(&x, &z)
			inputs[j+1].Add(&inputs[j+1], &x)
		}
	}
	parts := min(b.threads, n)
	values, inside := make([]bn254.GT, parts), make([]bool, parts)
	failures := make([]error, parts)
	var waiting sync.WaitGroup
	for part := range parts {
		work := func() {
			lo, hi := part*n/parts, (part+1)*n/parts
			values[part], inside[part], failures[part] = b.part(weights, lo, hi)
		}
		if parts == 1 {
			work()
			break
		}
		waiting.Add(1)
		go func() {
			defer waiting.Done()
			work()
		}()
	}
	waiting.Wait()
	for part := range parts {
		if failures[part] != nil || !inside[part] {
			return false, failures[part]
		}
	}
	fixed, err := b.fixed(weights, inputs, points)
	if err != nil {
		return false, err
	}
	others := make([]*bn254.GT, parts)
	for part := range parts {
		others[part] = &values[part]
	}
	value := bn254.FinalExponentiation(&fixed, others...)
	var one bn254.GT
	one.SetOne()
	return value.Equal(&one), nil
}

// part is Π e(zᵢAᵢ, Bᵢ) before the final exponentiation, and whether all points are in their groups.
func (b *batch) part(weights []fr.Element, lo, hi int) (value bn254.GT, inside bool, err error) {
	left, right := make([]bn254.G1Jac, hi-lo), make([]bn254.G2Affine, hi-lo)
	for i := lo; i < hi; i++ {
		p := &b.proofs[i]
		if !p.inGroups() {
			return value, false, nil
		}
		var z big.Int
		weights[i].BigInt(&z)
		left[i-lo].FromAffine(&p.a)
		left[i-lo].ScalarMultiplication(&left[i-lo], &z)
		right[i-lo] = p.b
	}
	value, err = bn254.MillerLoop(bn254.BatchJacobianToAffineG1(left), right)
	return value, true, err
}

// fixed is e(−Σzᵢ·α, β) · e(Σzᵢ·IC(xᵢ), −γ) · e(Σzᵢ·Cᵢ, −δ) before the final exponentiation.
func (b *batch) fixed(weights, inputs []fr.Element, points []bn254.G1Affine) (bn254.GT, error) {
	config := ecc.MultiExpConfig{NbTasks: b.threads}
	var alpha, statement, last bn254.G1Affine
	if _, err := statement.MultiExp(b.key.ic, inputs, config); err != nil {
		return bn254.GT{}, err
	}
	if _, err := last.MultiExp(points, weights, config); err != nil {
		return bn254.GT{}, err
	}
	var z big.Int
	inputs[0].BigInt(&z)
	alpha.ScalarMultiplication(&b.key.alpha, &z)
	alpha.Neg(&alpha)
	return bn254.MillerLoop(
		[]bn254.G1Affine{alpha, statement, last},
		[]bn254.G2Affine{b.key.beta, b.key.gamma, b.key.delta},
	)
}
