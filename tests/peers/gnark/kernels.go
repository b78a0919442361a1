package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
)

// --- fields ---

func hexInput(in inputs, name string) ([]byte, error) {
	text, err := in.text(name)
	if err != nil {
		return nil, err
	}
	data, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

func prepareFpMul(size, _ int, in inputs) (*task, error) {
	var x, y, z fp.Element
	for name, into := range map[string]*fp.Element{"x": &x, "y": &y} {
		data, err := hexInput(in, name)
		if err != nil {
			return nil, err
		}
		if err := fpElements(data, into); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return &task{
		reset: func() { z.Set(&x) },
		run: func() error {
			for i := 0; i < size; i++ {
				z.Mul(&z, &y)
			}
			return nil
		},
		output: func() (string, error) {
			bytes := z.Bytes()
			return hex.EncodeToString(bytes[:]), nil
		},
	}, nil
}

func prepareFrMul(size, _ int, in inputs) (*task, error) {
	var x, y, z fr.Element
	for name, into := range map[string]*fr.Element{"x": &x, "y": &y} {
		data, err := hexInput(in, name)
		if err != nil {
			return nil, err
		}
		if err := into.SetBytesCanonical(data); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return &task{
		reset: func() { z.Set(&x) },
		run: func() error {
			for i := 0; i < size; i++ {
				z.Mul(&z, &y)
			}
			return nil
		},
		output: func() (string, error) {
			bytes := z.Bytes()
			return hex.EncodeToString(bytes[:]), nil
		},
	}, nil
}

// --- multi-scalar multiplication ---

func prepareMsmG1(size, threads int, in inputs) (*task, error) {
	points, err := rows[bn254.G1Affine](in, "points", size)
	if err != nil {
		return nil, err
	}
	scalars, err := rows[fr.Element](in, "scalars", size)
	if err != nil {
		return nil, err
	}
	frScalars(scalars)
	var total bn254.G1Affine
	return &task{
		run: func() error {
			_, err := total.MultiExp(points, scalars, ecc.MultiExpConfig{NbTasks: threads})
			return err
		},
		output: func() (string, error) { return hex.EncodeToString(evmG1(&total)), nil },
	}, nil
}

func prepareMsmG2(size, threads int, in inputs) (*task, error) {
	points, err := rows[bn254.G2Affine](in, "points", size)
	if err != nil {
		return nil, err
	}
	scalars, err := rows[fr.Element](in, "scalars", size)
	if err != nil {
		return nil, err
	}
	frScalars(scalars)
	var total bn254.G2Affine
	return &task{
		run: func() error {
			_, err := total.MultiExp(points, scalars, ecc.MultiExpConfig{NbTasks: threads})
			return err
		},
		output: func() (string, error) { return hex.EncodeToString(evmG2(&total)), nil },
	}, nil
}

// --- transforms ---

// prepareNtt: decimation in frequency leaves the results in bit-reversed order, which is how this
// library's prover uses it; they are put into natural order outside the clock.
func prepareNtt(size, threads int, in inputs) (*task, error) {
	if size&(size-1) != 0 {
		return nil, fmt.Errorf("%d is no power of two", size)
	}
	values, err := rows[fr.Element](in, "values", size)
	if err != nil {
		return nil, err
	}
	domain := fft.NewDomain(uint64(size))
	work := make([]fr.Element, size)
	return &task{
		reset: func() { copy(work, values) },
		run: func() error {
			domain.FFT(work, fft.DIF, fft.WithNbTasks(threads))
			return nil
		},
		output: func() (string, error) {
			fft.BitReverse(work)
			digest := sha256.New()
			for i := range work {
				big := work[i].Bytes()
				for low, high := 0, len(big)-1; low < high; low, high = low+1, high-1 {
					big[low], big[high] = big[high], big[low]
				}
				digest.Write(big[:])
			}
			return hex.EncodeToString(digest.Sum(nil)), nil
		},
	}, nil
}

// --- pairings ---

func preparePairing(size, _ int, in inputs) (*task, error) {
	if size != 1 {
		return nil, fmt.Errorf("one pairing at a time")
	}
	var p bn254.G1Affine
	var q bn254.G2Affine
	left, err := hexInput(in, "g1")
	if err != nil {
		return nil, err
	}
	if err := fpElements(left, &p.X, &p.Y); err != nil {
		return nil, fmt.Errorf("g1: %w", err)
	}
	right, err := hexInput(in, "g2")
	if err != nil {
		return nil, err
	}
	if err := fpElements(right, &q.X.A1, &q.X.A0, &q.Y.A1, &q.Y.A0); err != nil {
		return nil, fmt.Errorf("g2: %w", err)
	}
	if !p.IsInSubGroup() || !q.IsInSubGroup() {
		return nil, fmt.Errorf("these are no points of G1 and G2")
	}
	var value bn254.GT
	return &task{
		run: func() (err error) {
			value, err = bn254.Pair([]bn254.G1Affine{p}, []bn254.G2Affine{q})
			return err
		},
		output: func() (string, error) {
			bytes := value.Bytes()
			digest := sha256.Sum256(bytes[:])
			return hex.EncodeToString(digest[:]), nil
		},
	}, nil
}
