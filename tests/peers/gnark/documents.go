package main

import (
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// The JSON documents of snarkjs: numbers are decimal texts, points projective with z = 1.

type (
	g1Document []string
	g2Document [][]string
)

type proofDocument struct {
	A        g1Document `json:"pi_a"`
	B        g2Document `json:"pi_b"`
	C        g1Document `json:"pi_c"`
	Protocol string     `json:"protocol"`
	Curve    string     `json:"curve"`
}

type keyDocument struct {
	Protocol string       `json:"protocol"`
	Publics  int          `json:"nPublic"`
	Alpha    g1Document   `json:"vk_alpha_1"`
	Beta     g2Document   `json:"vk_beta_2"`
	Gamma    g2Document   `json:"vk_gamma_2"`
	Delta    g2Document   `json:"vk_delta_2"`
	IC       []g1Document `json:"IC"`
}

type proof struct {
	a, c bn254.G1Affine
	b    bn254.G2Affine
}

func (p *proof) document() proofDocument {
	return proofDocument{g1Text(&p.a), g2Text(&p.b), g1Text(&p.c), "groth16", "bn128"}
}

func (d *proofDocument) proof() (p proof, err error) {
	if p.a, err = d.A.point(); err != nil {
		return p, fmt.Errorf("pi_a: %w", err)
	}
	if p.b, err = d.B.point(); err != nil {
		return p, fmt.Errorf("pi_b: %w", err)
	}
	if p.c, err = d.C.point(); err != nil {
		return p, fmt.Errorf("pi_c: %w", err)
	}
	return p, nil
}

func g1Text(p *bn254.G1Affine) g1Document {
	if p.IsInfinity() {
		return g1Document{"0", "1", "0"}
	}
	return g1Document{p.X.Text(10), p.Y.Text(10), "1"}
}

func g2Text(p *bn254.G2Affine) g2Document {
	if p.IsInfinity() {
		return g2Document{{"0", "0"}, {"1", "0"}, {"0", "0"}}
	}
	pair := func(a, b *fp.Element) []string { return []string{a.Text(10), b.Text(10)} }
	return g2Document{pair(&p.X.A0, &p.X.A1), pair(&p.Y.A0, &p.Y.A1), {"1", "0"}}
}

func (d g1Document) point() (p bn254.G1Affine, err error) {
	if len(d) != 3 {
		return p, fmt.Errorf("no point of three coordinates")
	}
	if d[2] == "0" {
		return p, nil
	}
	if d[2] != "1" {
		return p, fmt.Errorf("z is neither 0 nor 1")
	}
	if err := coordinates(d[:2], &p.X, &p.Y); err != nil {
		return p, err
	}
	return p, nil
}

func (d g2Document) point() (p bn254.G2Affine, err error) {
	if len(d) != 3 || len(d[0]) != 2 || len(d[1]) != 2 || len(d[2]) != 2 {
		return p, fmt.Errorf("no point of three pairs")
	}
	if d[2][1] != "0" || (d[2][0] != "0" && d[2][0] != "1") {
		return p, fmt.Errorf("z is neither 0 nor 1")
	}
	if d[2][0] == "0" {
		return p, nil
	}
	texts := append(append([]string{}, d[0]...), d[1]...)
	err = coordinates(texts, &p.X.A0, &p.X.A1, &p.Y.A0, &p.Y.A1)
	return p, err
}

func coordinates(texts []string, into ...*fp.Element) error {
	for i, text := range texts {
		value, err := decimal(text, fp.Modulus())
		if err != nil {
			return err
		}
		into[i].SetBigInt(value)
	}
	return nil
}

func publicValues(texts []string) ([]fr.Element, error) {
	out := make([]fr.Element, len(texts))
	for i, text := range texts {
		value, err := decimal(text, fr.Modulus())
		if err != nil {
			return nil, err
		}
		out[i].SetBigInt(value)
	}
	return out, nil
}
