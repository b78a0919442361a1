package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// provingKey is a snarkjs key as a prover on these kernels keeps it: no points at infinity in A and
// B, the matrices by rows, coefficients in Montgomery form.
type provingKey struct {
	wires, publics, domain int
	alpha, beta1, delta1   bn254.G1Affine
	beta2, delta2          bn254.G2Affine
	a, b1, c, h            []bn254.G1Affine
	b2                     []bn254.G2Affine
	wiresOfA, wiresOfB     []uint32 // of the points that are left
	rowsA, rowsB           matrix
}

// matrix is sparse, by rows.
type matrix struct {
	start []int
	terms []term
}

type term struct {
	value fr.Element
	wire  uint32
	kind  uint8
}

const (
	other = iota
	plusOne
	minusOne
)

const coefficientBytes = 12 + fr.Bytes

// sections splits a container of the iden3 file formats.
func sections(data []byte, magic string) (map[uint32][]byte, error) {
	if len(data) < 12 || string(data[:4]) != magic {
		return nil, fmt.Errorf("this is no .%s file", magic)
	}
	count := binary.LittleEndian.Uint32(data[8:])
	found, rest := map[uint32][]byte{}, data[12:]
	for ; count > 0; count-- {
		if len(rest) < 12 {
			return nil, fmt.Errorf("the .%s file ends early", magic)
		}
		number, size := binary.LittleEndian.Uint32(rest), binary.LittleEndian.Uint64(rest[4:])
		rest = rest[12:]
		if size > uint64(len(rest)) {
			return nil, fmt.Errorf("the .%s file ends early", magic)
		}
		found[number], rest = rest[:size], rest[size:]
	}
	return found, nil
}

func modulusBytes(big []byte) []byte {
	little := slices.Clone(big)
	slices.Reverse(little)
	return append([]byte{32, 0, 0, 0}, little...)
}

func readKey(data []byte) (*provingKey, error) {
	found, err := sections(data, "zkey")
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(found[1], []byte{1, 0, 0, 0}) {
		return nil, fmt.Errorf("this is no key of groth16")
	}
	header := found[2]
	fields := append(modulusBytes(fp.Modulus().Bytes()), modulusBytes(fr.Modulus().Bytes())...)
	if len(header) != len(fields)+12+3*64+3*128 || !bytes.HasPrefix(header, fields) {
		return nil, fmt.Errorf("this is no key of BN254")
	}
	header = header[len(fields):]
	word := func(at int) int { return int(binary.LittleEndian.Uint32(header[at:])) }
	key := &provingKey{wires: word(0), publics: word(4), domain: word(8)}
	n := key.domain
	if key.publics >= key.wires || n < 1 || n > 1<<27 || n&(n-1) != 0 {
		return nil, fmt.Errorf("the sizes in this key cannot be")
	}
	if err := key.readPoints(header[12:], found); err != nil {
		return nil, err
	}
	return key, key.readMatrices(found[4])
}

func (key *provingKey) readPoints(header []byte, found map[uint32][]byte) (err error) {
	at := 0
	g1 := func(into *bn254.G1Affine) {
		var one []bn254.G1Affine
		if one, err = cast[bn254.G1Affine](header[at:at+64], "header", 1); err == nil {
			*into, at = one[0], at+64
		}
	}
	g2 := func(into *bn254.G2Affine) {
		var one []bn254.G2Affine
		if one, err = cast[bn254.G2Affine](header[at:at+128], "header", 1); err == nil {
			*into, at = one[0], at+128
		}
	}
	var gamma2 bn254.G2Affine
	g1(&key.alpha)
	g1(&key.beta1)
	g2(&key.beta2)
	g2(&gamma2)
	g1(&key.delta1)
	g2(&key.delta2)
	if err != nil {
		return err
	}
	private := key.wires - key.publics - 1
	if key.a, err = cast[bn254.G1Affine](found[5], "A", key.wires); err != nil {
		return err
	}
	if key.b1, err = cast[bn254.G1Affine](found[6], "B1", key.wires); err != nil {
		return err
	}
	if key.b2, err = cast[bn254.G2Affine](found[7], "B2", key.wires); err != nil {
		return err
	}
	if key.c, err = cast[bn254.G1Affine](found[8], "C", private); err != nil {
		return err
	}
	if key.h, err = cast[bn254.G1Affine](found[9], "H", key.domain); err != nil {
		return err
	}
	key.dropInfinities()
	return nil
}

func (key *provingKey) dropInfinities() {
	a, b1, b2 := key.a[:0], key.b1[:0], key.b2[:0]
	for wire := 0; wire < key.wires; wire++ {
		if !key.a[wire].IsInfinity() {
			a = append(a, key.a[wire])
			key.wiresOfA = append(key.wiresOfA, uint32(wire))
		}
		if !key.b1[wire].IsInfinity() || !key.b2[wire].IsInfinity() {
			b1, b2 = append(b1, key.b1[wire]), append(b2, key.b2[wire])
			key.wiresOfB = append(key.wiresOfB, uint32(wire))
		}
	}
	key.a, key.b1, key.b2 = a, b1, b2
}

// readMatrices: the file holds R²·v, which is one reduction away from the Montgomery form of v.
func (key *provingKey) readMatrices(data []byte) error {
	if len(data) < 4 || len(data)-4 != int(binary.LittleEndian.Uint32(data))*coefficientBytes {
		return fmt.Errorf("the coefficients have another number than they say")
	}
	data = data[4:]
	both := []*matrix{&key.rowsA, &key.rowsB}
	for _, m := range both {
		m.start = make([]int, key.domain+1)
	}
	for at := 0; at < len(data); at += coefficientBytes {
		which, row := binary.LittleEndian.Uint32(data[at:]), binary.LittleEndian.Uint32(data[at+4:])
		wire := binary.LittleEndian.Uint32(data[at+8:])
		if which > 1 || int(row) >= key.domain || int(wire) >= key.wires {
			return fmt.Errorf("a coefficient lies outside its matrix")
		}
		both[which].start[row+1]++
	}
	next := make([][]int, 2)
	for which, m := range both {
		for row := 0; row < key.domain; row++ {
			m.start[row+1] += m.start[row]
		}
		m.terms = make([]term, m.start[key.domain])
		next[which] = slices.Clone(m.start)
	}
	var one, minus fr.Element
	one.SetOne()
	minus.Neg(&one)
	unit := fr.Element{1}
	for at := 0; at < len(data); at += coefficientBytes {
		which, row := binary.LittleEndian.Uint32(data[at:]), binary.LittleEndian.Uint32(data[at+4:])
		t := &both[which].terms[next[which][row]]
		next[which][row]++
		t.wire = binary.LittleEndian.Uint32(data[at+8:])
		for limb := range t.value {
			t.value[limb] = binary.LittleEndian.Uint64(data[at+12+8*limb:])
		}
		t.value.Mul(&t.value, &unit)
		switch {
		case t.value.Equal(&one):
			t.kind = plusOne
		case t.value.Equal(&minus):
			t.kind = minusOne
		}
	}
	return nil
}

// multiply puts rows lo … hi of the product with a vector into out.
func (m *matrix) multiply(out, vector []fr.Element, lo, hi int) {
	var product fr.Element
	for row := lo; row < hi; row++ {
		var sum fr.Element
		for i := m.start[row]; i < m.start[row+1]; i++ {
			t := &m.terms[i]
			switch t.kind {
			case plusOne:
				sum.Add(&sum, &vector[t.wire])
			case minusOne:
				sum.Sub(&sum, &vector[t.wire])
			default:
				product.Mul(&t.value, &vector[t.wire])
				sum.Add(&sum, &product)
			}
		}
		out[row] = sum
	}
}

// readWitness gives the values of all wires in Montgomery form, as a solver of this library would.
func readWitness(data []byte) ([]fr.Element, error) {
	found, err := sections(data, "wtns")
	if err != nil {
		return nil, err
	}
	header, field := found[1], modulusBytes(fr.Modulus().Bytes())
	if len(header) != len(field)+4 || !bytes.HasPrefix(header, field) {
		return nil, fmt.Errorf("this is no witness over the scalar field of BN254")
	}
	count := int(binary.LittleEndian.Uint32(header[len(field):]))
	values, err := cast[fr.Element](found[2], "the witness", count)
	if err != nil {
		return nil, err
	}
	frScalars(values)
	return values, nil
}
