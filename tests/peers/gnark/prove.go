package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"sync"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
)

// prover makes the calls of gnark's Groth16 prover on a key of snarkjs: three inverse transforms,
// three on a coset, four MSMs in G1 and one in G2 over points without infinities. Such a key holds
// H in the Lagrange basis of the odd coset, so A·B − C there is what H is multiplied by: no division
// and no seventh transform.
type prover struct {
	key     *provingKey
	witness []fr.Element
	domain  *fft.Domain
	threads int
	r, s    fr.Element
	drawn   bool
	proof   proof
}

func prepareProve(size, threads int, in inputs) (*task, error) {
	data, err := in.bytes("zkey")
	if err != nil {
		return nil, err
	}
	key, err := readKey(data)
	if err != nil {
		return nil, err
	}
	if size != key.domain {
		return nil, fmt.Errorf("the key has a domain of %d, not %d", key.domain, size)
	}
	if data, err = in.bytes("wtns"); err != nil {
		return nil, err
	}
	witness, err := readWitness(data)
	if err != nil {
		return nil, err
	}
	if len(witness) != key.wires {
		return nil, fmt.Errorf("the witness has %d values, the key %d wires", len(witness), key.wires)
	}
	// The square root of the domain's generator moves it to the odd powers.
	generator, err := fft.Generator(2 * uint64(key.domain))
	if err != nil {
		return nil, err
	}
	p := &prover{key: key, witness: witness, threads: threads}
	p.domain = fft.NewDomain(uint64(key.domain), fft.WithShift(generator))
	r, hasR, err := in.scalar("r")
	if err != nil {
		return nil, err
	}
	s, hasS, err := in.scalar("s")
	if err != nil {
		return nil, err
	}
	p.r, p.s, p.drawn = r, s, !(hasR && hasS)
	return &task{
		run: p.prove,
		output: func() (string, error) {
			text, err := json.Marshal(p.proof.document())
			return string(text), err
		},
	}, nil
}

func (p *prover) prove() error {
	if p.drawn {
		if _, err := p.r.SetRandom(); err != nil {
			return err
		}
		if _, err := p.s.SetRandom(); err != nil {
			return err
		}
	}
	h := p.quotient()
	g1 := ecc.MultiExpConfig{NbTasks: max(1, p.threads/2)}
	g2 := ecc.MultiExpConfig{NbTasks: 2 * p.threads}
	if p.threads == 1 {
		g2.NbTasks = 1
	}
	var sumA, sumB1, sumC, sumH bn254.G1Jac
	var sumB2 bn254.G2Jac
	valuesA, valuesB := p.gather(p.key.wiresOfA), p.gather(p.key.wiresOfB)
	err := p.all(
		func() error { _, err := sumH.MultiExp(p.key.h, h, g1); return err },
		func() error {
			_, err := sumC.MultiExp(p.key.c, p.witness[p.key.publics+1:], g1)
			return err
		},
		func() error { _, err := sumA.MultiExp(p.key.a, valuesA, g1); return err },
		func() error { _, err := sumB1.MultiExp(p.key.b1, valuesB, g1); return err },
		func() error { _, err := sumB2.MultiExp(p.key.b2, valuesB, g2); return err },
	)
	if err != nil {
		return err
	}
	p.finish(&sumA, &sumB1, &sumC, &sumH, &sumB2)
	return nil
}

// all runs jobs side by side, the last one here; one after the other where there is one thread.
func (p *prover) all(jobs ...func() error) error {
	failures := make([]error, len(jobs))
	var waiting sync.WaitGroup
	for i, job := range jobs {
		if p.threads == 1 || i == len(jobs)-1 {
			failures[i] = job()
			continue
		}
		waiting.Add(1)
		go func() {
			defer waiting.Done()
			failures[i] = job()
		}()
	}
	waiting.Wait()
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *prover) gather(wires []uint32) []fr.Element {
	out := make([]fr.Element, len(wires))
	for i, wire := range wires {
		out[i] = p.witness[wire]
	}
	return out
}

// quotient is A·B − C at the odd powers of a root of unity of order 2n.
func (p *prover) quotient() []fr.Element {
	n := p.key.domain
	a, b, c := make(fr.Vector, n), make(fr.Vector, n), make(fr.Vector, n)
	p.split(n, func(lo, hi int) {
		p.key.rowsA.multiply(a, p.witness, lo, hi)
		p.key.rowsB.multiply(b, p.witness, lo, hi)
		part := c[lo:hi]
		part.Mul(a[lo:hi], b[lo:hi])
	})
	tasks := fft.WithNbTasks(p.threads)
	for _, values := range []fr.Vector{a, b, c} {
		p.domain.FFTInverse(values, fft.DIF, tasks)
		p.domain.FFT(values, fft.DIT, fft.OnCoset(), tasks)
	}
	p.split(n, func(lo, hi int) {
		part := a[lo:hi]
		part.Mul(part, b[lo:hi])
		part.Sub(part, c[lo:hi])
	})
	return a
}

func (p *prover) split(n int, work func(lo, hi int)) {
	var waiting sync.WaitGroup
	for i := 0; i < p.threads; i++ {
		lo, hi := i*n/p.threads, (i+1)*n/p.threads
		if i == p.threads-1 {
			work(lo, hi)
			break
		}
		waiting.Add(1)
		go func() {
			defer waiting.Done()
			work(lo, hi)
		}()
	}
	waiting.Wait()
}

func (p *prover) finish(sumA, sumB1, sumC, sumH *bn254.G1Jac, sumB2 *bn254.G2Jac) {
	var r, s, rs big.Int
	var product fr.Element
	product.Mul(&p.r, &p.s).Neg(&product)
	p.r.BigInt(&r)
	p.s.BigInt(&s)
	product.BigInt(&rs)
	times := func(point *bn254.G1Affine, k *big.Int) *bn254.G1Jac {
		var z bn254.G1Jac
		z.FromAffine(point)
		return z.ScalarMultiplication(&z, k)
	}
	key := p.key
	sumA.AddMixed(&key.alpha).AddAssign(times(&key.delta1, &r))
	sumB1.AddMixed(&key.beta1).AddAssign(times(&key.delta1, &s))
	var delta2 bn254.G2Jac
	delta2.FromAffine(&key.delta2)
	sumB2.AddMixed(&key.beta2).AddAssign(delta2.ScalarMultiplication(&delta2, &s))
	p.proof.a.FromJacobian(sumA)
	p.proof.b.FromJacobian(sumB2)
	sumC.AddAssign(sumH).AddAssign(times(&key.delta1, &rs)).AddAssign(times(&p.proof.a, &s))
	var pointB1 bn254.G1Affine
	pointB1.FromJacobian(sumB1)
	p.proof.c.FromJacobian(sumC.AddAssign(times(&pointB1, &r)))
}
