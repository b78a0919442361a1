package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"strconv"
	"unsafe"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// inputs are those of a request: paths and values by name.
type inputs map[string]any

func (in inputs) text(name string) (string, error) {
	switch value := in[name].(type) {
	case string:
		return value, nil
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64), nil
	}
	return "", fmt.Errorf("the input %q is missing", name)
}

func (in inputs) bytes(name string) ([]byte, error) {
	path, err := in.text(name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func (in inputs) json(name string, into any) error {
	data, err := in.bytes(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// scalar is a decimal input below r.
func (in inputs) scalar(name string) (z fr.Element, given bool, err error) {
	if _, given = in[name]; !given {
		return z, false, nil
	}
	text, err := in.text(name)
	if err != nil {
		return z, true, err
	}
	value, err := decimal(text, fr.Modulus())
	if err != nil {
		return z, true, fmt.Errorf("%s: %w", name, err)
	}
	z.SetBigInt(value)
	return z, true, nil
}

// decimal reads a number below a bound.
func decimal(text string, bound *big.Int) (*big.Int, error) {
	value, ok := new(big.Int).SetString(text, 10)
	if !ok || value.Sign() < 0 || value.Cmp(bound) >= 0 {
		return nil, fmt.Errorf("%.20q is no number below the modulus", text)
	}
	return value, nil
}

// rows reads a raw little-endian file straight into the library's memory layout: elements are four
// 64-bit limbs there as well, points their coordinates one after the other.
func rows[T any](in inputs, name string, count int) ([]T, error) {
	data, err := in.bytes(name)
	if err != nil {
		return nil, err
	}
	return cast[T](data, name, count)
}

func cast[T any](data []byte, name string, count int) ([]T, error) {
	var one T
	if size := int(unsafe.Sizeof(one)); len(data) != count*size {
		return nil, fmt.Errorf("%s holds %d bytes, not %d", name, len(data), count*size)
	}
	out := make([]T, count) // a copy: data may lie at any address
	if count > 0 {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&out[0])), len(data)), data)
	}
	return out, nil
}

// frScalars are rows in standard form, brought to Montgomery form: the form in which this library
// holds scalars and takes them in its calls.
func frScalars(standard []fr.Element) {
	for i := range standard {
		standard[i] = toMontgomery(standard[i])
	}
}

// rSquared is R² modulo r as limbs: the element R.
var rSquared = func() (z fr.Element) {
	z.SetBigInt(new(big.Int).Lsh(big.NewInt(1), 256))
	return z
}()

func toMontgomery(limbs fr.Element) (z fr.Element) {
	z.Mul(&limbs, &rSquared)
	return z
}

// --- points as the precompiles of EIP-196 and EIP-197 have them ---

func evmG1(p *bn254.G1Affine) []byte {
	x, y := p.X.Bytes(), p.Y.Bytes()
	return append(x[:], y[:]...)
}

func evmG2(p *bn254.G2Affine) []byte {
	var out []byte
	for _, part := range []*fp.Element{&p.X.A1, &p.X.A0, &p.Y.A1, &p.Y.A0} {
		bytes := part.Bytes()
		out = append(out, bytes[:]...)
	}
	return out
}

func fpElements(data []byte, parts ...*fp.Element) error {
	if len(data) != len(parts)*fp.Bytes {
		return fmt.Errorf("%d bytes where %d are due", len(data), len(parts)*fp.Bytes)
	}
	for i, part := range parts {
		if err := part.SetBytesCanonical(data[i*fp.Bytes : (i+1)*fp.Bytes]); err != nil {
			return err
		}
	}
	return nil
}
